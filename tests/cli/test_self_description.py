"""os2 describes itself: settings, topics, schemas, and an anonymous report."""

from __future__ import annotations

import getpass
import json
import platform
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from os2cli.core.errors import exit_codes
from os2cli.output.documents.registry import DOCUMENTS
from os2cli.settings.describe import declared_variables
from tests.command import DEADLINE_SECONDS, Os2, Result

TOPICS = ("exit-codes", "environment", "json")
KEY = "dtn_canary-key-0815"
TOKEN = "canary.token.0816"
PASSWORD = "canary-password-0817"
SECRETS = {
    "DAYTONA_API_KEY": KEY,
    "DAYTONA_JWT_TOKEN": TOKEN,
    "DAYTONA_API_URL": f"http://me:{PASSWORD}@127.0.0.1:1/api",
    "DOCKER_HOST": f"tcp://me:{PASSWORD}@127.0.0.1:1",
    "HTTPS_PROXY": f"http://me:{PASSWORD}@127.0.0.1:1",
    "DOPPLER_TOKEN": "dp.st.canary-0818",
    "GH_TOKEN": "ghp_canary-0819",
    "BASE_IMAGE": f"https://me:{PASSWORD}@registry.example/base",
}


def config(os2: Os2, **env: str) -> dict[str, dict[str, Any]]:
    result = os2("config", "--json", env=env)
    assert result.status == 0, result.stderr
    return {setting["name"]: setting for setting in result.json()["settings"]}


def described(result: Result, command: str, os2: Os2) -> Any:
    """Return the document, validated by ``os2 schema``."""
    schema = os2("schema", *command.split()).json()
    Draft202012Validator(schema).validate(result.json())
    return result.json()


class TestConfig:
    def test_a_row_has_the_value_and_its_origin(self, os2: Os2) -> None:
        (os2.folder / ".git").mkdir()
        (os2.folder / "os2.toml").write_text('base_image = "ours:1"\n')

        result = os2("config", env={"OS2_TIMEOUT": "7"})

        lines = [line.split() for line in result.stdout.splitlines()]
        assert lines[0] == ["SETTING", "VALUE", "FROM"]
        assert ["base_image", "ours:1", str(os2.folder / "os2.toml")] in lines
        assert ["timeout", "7", "OS2_TIMEOUT"] in lines
        assert ["cache_ttl", "300", "default"] in lines
        assert ["APP_STAGE", "-", "not", "set"] in lines
        assert ["state_dir", "~/.local/state/os2"] in lines
        assert ["user_file", "~/.config/os2/config.toml"] in lines

    def test_the_names_alone(self, os2: Os2) -> None:
        names = os2("config", "-q").stdout.splitlines()

        assert names == [d.key or d.variable for d in declared_variables()]

    def test_the_document_includes_the_directories(self, os2: Os2) -> None:
        document = described(os2("config", "--json"), "config", os2)

        home = os2.env["HOME"]
        folders = ("state_dir", "cache_dir", "user_file", "repository_file")
        assert [document[name] for name in folders] == [
            f"{home}/.local/state/os2",
            f"{home}/.cache/os2",
            f"{home}/.config/os2/config.toml",
            None,
        ]

    def test_of_a_secret_only_whether_it_is_set(self, os2: Os2) -> None:
        assert config(os2)["DAYTONA_API_KEY"] == {
            "name": "DAYTONA_API_KEY",
            "variable": "DAYTONA_API_KEY",
            "value": None,
            "origin": "not set",
            "secret": True,
        }
        assert config(os2, DAYTONA_API_KEY=KEY)["DAYTONA_API_KEY"]["origin"] == "DAYTONA_API_KEY"
        text = os2("config", env={"DAYTONA_API_KEY": KEY}).stdout
        assert "DAYTONA_API_KEY          (set, not shown)" in text

    @pytest.mark.parametrize(
        ("text", "env", "message"),
        [
            ("image = [broken", {}, "os2.toml: invalid TOML"),
            ("imgae = 'x'", {}, "unknown key 'imgae'"),
            ("", {"OS2_TIMEOUT": "soon"}, "OS2_TIMEOUT: invalid number of seconds 'soon'"),
            ("", {"OS2_PROGRESS": "loud"}, "OS2_PROGRESS: unknown progress mode 'loud'"),
        ],
    )
    def test_an_invalid_setting_is_the_only_error(
        self, os2: Os2, text: str, env: dict[str, str], message: str
    ) -> None:
        (os2.folder / ".git").mkdir()
        (os2.folder / "os2.toml").write_text(text)

        result = os2("config", env=env)

        error, hint = result.stderr.splitlines()
        assert (result.status, result.stdout) == (2, "")
        assert message in error
        assert hint.startswith("hint: ")


class TestHelp:
    def test_the_topics_are_listed(self, os2: Os2) -> None:
        result = os2("help")

        assert all(topic in result.stdout for topic in TOPICS)
        assert "os2 COMMAND --help" in result.stdout
        assert os2("help", "-q").stdout.split() == list(TOPICS)

    def test_the_exit_codes(self, os2: Os2) -> None:
        lines = os2("help", "exit-codes").stdout.splitlines()

        told = {int(code): meaning for code, meaning in (line.split(maxsplit=1) for line in lines)}
        assert told == exit_codes()
        assert os2("help", "exit-codes", "-q").stdout.split() == [str(c) for c in exit_codes()]

    def test_the_environment(self, os2: Os2) -> None:
        text = os2("help", "environment").stdout

        for declared in declared_variables():
            (line,) = [row for row in text.splitlines() if row.startswith(f"{declared.variable} ")]
            assert declared.help in line
            assert declared.default in line

    def test_json(self, os2: Os2) -> None:
        text = os2("help", "json").stdout

        assert all(f"os2 schema {command}\n" in text for command in DOCUMENTS)

    @pytest.mark.parametrize("words", [(), *((topic,) for topic in TOPICS), ("machine", "rm")])
    def test_each_is_also_a_document(self, os2: Os2, words: tuple[str, ...]) -> None:
        assert described(os2("help", *words, "--json"), "help", os2)["schema_version"] == 1

    @pytest.mark.parametrize("command", [("stage",), ("machine",), ("machine", "create")])
    def test_of_a_command_it_is_that_command_s_own(self, os2: Os2, command: tuple[str]) -> None:
        asked, own = os2("help", *command), os2(*command, "--help")

        assert (asked.status, asked.stdout.rstrip()) == (0, own.stdout.rstrip())

    def test_options_of_a_command_as_a_document(self, os2: Os2) -> None:
        document = os2("help", "machine", "create", "--json").json()

        assert document["command"] == "machine create"
        assert document["usage"].startswith("os2 machine create ")
        names = [name for option in document["options"] for name in option["names"]]
        assert {"--type", "-e", "--env", "--json", "--progress"} <= set(names)
        assert "[dim]" not in document["about"]

    @pytest.mark.parametrize("words", [("help", "environment"), ("schema", "error")])
    def test_it_works_with_invalid_settings(self, os2: Os2, words: tuple[str, ...]) -> None:
        assert os2(*words, env={"OS2_TIMEOUT": "soon", "OS2_PROGRESS": "loud"}).status == 0


class TestSchema:
    def test_all_schemas_are_listed(self, os2: Os2) -> None:
        assert os2("schema").stdout.splitlines() == list(DOCUMENTS)
        assert os2("schema", "--json").json()["commands"] == list(DOCUMENTS)

    @pytest.mark.parametrize(
        "command",
        [
            ("stage", "--stage", "stg"),
            ("doctor",),
            ("cache", "show"),
            ("cache", "clear"),
        ],
        ids=" ".join,
    )
    def test_output_matches_its_schema(self, os2: Os2, command: tuple[str, ...]) -> None:
        name = " ".join(command).partition(" --")[0]

        assert described(os2(*command, "--json"), name, os2)["schema_version"] == 1

    @pytest.mark.parametrize(
        "command", [("machine", "list"), ("machine", "nonsense"), ("stage", "--nonsense")]
    )
    def test_every_error_matches_its_schema(self, os2: Os2, command: tuple[str]) -> None:
        for arguments in (("--json", *command), (*command, "--json")):
            assert "error" in described(os2(*arguments), "error", os2)


def events(result: Result, os2: Os2) -> list[dict[str, Any]]:
    """Return the lines on stderr, each validated by its schema."""
    validator = Draft202012Validator(os2("schema", "progress").json())
    told = [json.loads(line) for line in result.stderr.splitlines()]
    for event in told:
        validator.validate(event)
    return told


class TestProgress:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("machine", "create", "dev", "--progress", "json"),
            ("machine", "create", "dev", "--progress=json", "--json"),
            ("--progress", "json", "machine", "list", "-q"),
            ("snapshot", "local-docker", "--progress", "json", "-q"),
            ("machine", "rm", "--all", "--progress", "json"),
            ("machine", "create", "--nonsense", "--progress", "json"),
            ("nonsense", "--progress=json"),
            ("machine", "create", "--cpu", "many", "--progress", "json"),
        ],
        ids=" ".join,
    )
    def test_with_json_stderr_holds_events_and_ends_with_the_error(
        self, os2: Os2, arguments: tuple[str, ...]
    ) -> None:
        result = os2(*arguments)

        last = events(result, os2)[-1]
        assert last["event"] == "error"
        assert last["exit_code"] == result.status
        assert last["hint"]

    def test_the_variable_does_the_same(self, os2: Os2) -> None:
        result = os2("machine", "list", env={"OS2_PROGRESS": "json"})

        assert events(result, os2)[-1]["code"] == "engine_refused"

    def test_notes_are_also_events(self, os2: Os2) -> None:
        result = os2("doctor", "--fix", "--stage", "stg", "--json", "--progress", "json")

        assert all(event["event"] for event in events(result, os2))
        assert result.json()["findings"]

    def test_an_interruption_is_the_last_event(self, os2: Os2) -> None:
        with socket.create_server(("127.0.0.1", 0)) as engine:
            address = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
            hanging = Os2(os2.folder, {**os2.env, "DOCKER_HOST": address})
            process = hanging.start("machine", "list", "--progress", "json")
            # Once it sends a request, its handlers are in place; no response comes.
            question, _ = engine.accept()
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=DEADLINE_SECONDS)
            question.close()

        result = Result(process.returncode, stdout, stderr)
        assert (result.status, result.stdout) == (130, "")
        assert events(result, os2)[-1]["event"] == "stopped"

    def test_with_none_stderr_holds_errors_only(self, os2: Os2) -> None:
        assert os2("cache", "show", "--progress", "none").stderr == ""
        assert "the cache is empty" in os2("cache", "show").stderr
        failed = os2("machine", "list", "--progress", "none").stderr.splitlines()
        assert [line.partition(":")[0] for line in failed] == ["error", "hint"]


class TestSecrets:
    @pytest.mark.parametrize(
        "command",
        [
            ("config",),
            ("config", "--json"),
            ("config", "-q"),
            ("doctor", "--report"),
            ("doctor",),
            ("doctor", "--json", "--debug"),
            ("snapshot", "resolve", "--stage", "stg"),
            ("snapshot", "local-docker"),
            ("help", "environment", "--json"),
            ("machine", "list", "--progress", "json"),
        ],
        ids=" ".join,
    )
    def test_none_is_seen(self, os2: Os2, command: tuple[str, ...]) -> None:
        result = os2(*command, env=SECRETS)

        assert "canary" not in result.stdout + result.stderr

    @pytest.mark.parametrize("variable", ["DOCKER_HOST", "DAYTONA_API_URL", "HTTPS_PROXY"])
    @pytest.mark.parametrize(
        "address",
        [
            f"ssh://me:{PASSWORD}@host:22",
            f"me:{PASSWORD}@host:3128",
            f"http://127.0.0.1:1/x?token={PASSWORD}",
            f"http://127.0.0.1:1/#{PASSWORD}",
            f"tcp://me:a b{PASSWORD}@127.0.0.1:1",
            f"ftp://me:@/{PASSWORD}@127.0.0.1:1",
        ],
    )
    def test_no_login_of_an_address_is_seen(self, os2: Os2, variable: str, address: str) -> None:
        env = {**SECRETS, variable: address}
        for command in (("config",), ("doctor", "--report"), ("machine", "list", "-v")):
            result = os2(*command, env=env)
            assert "canary" not in result.stdout + result.stderr


class TestReport:
    def test_it_has_what_a_maintainer_needs(self, os2: Os2) -> None:
        result = os2("doctor", "--report", "--stage", "stg")

        assert result.status == 1
        assert "### os2\n" in result.stdout
        assert f"- Python {platform.python_version()}" in result.stdout
        assert "- **engine** problem: " in result.stdout
        assert "| timeout | 120 | default |" in result.stdout
        assert result.stderr == ""

    def test_it_names_no_person_host_or_account(self, os2: Os2, tmp_path: Path) -> None:
        (os2.folder / ".git").mkdir()
        (os2.folder / "os2.toml").write_text('base_image = "ours:1"\n')
        home = tmp_path.parent
        env = {
            "HOME": str(home),
            "ITERATE_USER": "wilhelmine",
            "LOGNAME": "canary-login",
            "DAYTONA_ORGANIZATION_ID": "canary-organisation",
            "DAYTONA_API_KEY": KEY,
            "DAYTONA_API_URL": SECRETS["DAYTONA_API_URL"],
            "XDG_RUNTIME_DIR": f"/run/canary-login/{platform.node()}",
            "DOCKER_CONFIG": f"{home}/canary-login",
        }

        text = os2("doctor", "--report", env=env).stdout

        assert "dev-[user]" in text
        assert "| base_image | ours:1 | ~/" in text
        for private in ("wilhelmine", "canary", str(home), platform.node()):
            assert private not in text
        if getpass.getuser() != "root":
            assert getpass.getuser() not in text
