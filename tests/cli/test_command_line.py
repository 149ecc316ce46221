"""What all commands have in common: help, errors, exit codes, streams, start-up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from os2cli import __version__
from tests.command import Os2
from tests.command_tree import command_line, shown_commands

COMMANDS = list(shown_commands(command_line()))
# Its options may have been meant for the program: see test_mistakes.py.
EXEC = ("machine", "exec")
NEEDS_ENGINE = [
    ("up",),
    ("machine", "create"),
    ("machine", "list"),
    ("machine", "ls"),
    ("machine", "show", "dev"),
    ("machine", "rm", "dev"),
    ("machine", "rm", "--all", "--yes"),
    ("snapshot", "local-docker"),
    ("snapshot", "list"),
    ("snapshot", "ls"),
    ("snapshot", "show", "iterate-sandbox:local"),
    ("snapshot", "rm", "iterate-sandbox:local"),
    ("snapshot", "prune", "--yes"),
    ("snapshot", "wait", "iterate-sandbox:local"),
]


def test_bare_os2_prints_its_help(os2: Os2) -> None:
    result = os2()

    assert result.status == 0
    assert "Usage: os2" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_fits_80_columns(os2: Os2, command: tuple[str, ...]) -> None:
    result = os2(*command, "-h", env={"COLUMNS": "80"})

    assert result.status == 0, result.stderr
    assert "--json" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != EXEC], ids=" ".join)
def test_the_hint_for_a_missing_value_is_the_help_of_the_command(
    os2: Os2, command: tuple[str, ...]
) -> None:
    result = os2(*command, "--progress")

    assert result.status == 2
    usage = " ".join(("os2", *command, "--help"))
    assert result.stderr == f"error: --progress requires a value\nhint: show the usage: {usage}\n"


@pytest.mark.parametrize("arguments", [("--version",), ("--version", "--quiet")], ids=str)
def test_the_version(os2: Os2, arguments: tuple[str, ...]) -> None:
    assert os2(*arguments).stdout == f"os2 {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "unknown command 'nonsense'"),
        (("machine", "create", "--nonsense"), "unknown option --nonsense"),
        (("machine", "create", "--cpu", "many"), "--cpu: "),
        (("machine", "create", "--port", "70000"), "--port: "),
        (("machine", "create", "--memory", "lots"), "--memory: invalid size 'lots'"),
        (("machine", "create", "--timeout", "0"), "--timeout: "),
        (("machine", "create", "--no-wait", "--timeout", "9"), "contradict each other"),
        (("machine", "create", "--type", "vm"), "--type: unknown machine type 'vm'"),
        (("machine", "create", "a b"), "invalid machine name 'a b'"),
        (("machine", "create", "-e", "1X=2"), "-e: invalid variable name"),
        (("machine", "create", "-e", "NOT_SET"), "-e NOT_SET: variable not set"),
        (("machine", "create", "--env-file", "none.env"), "--env-file: cannot read none.env"),
        (("machine", "create", "--label", "x"), "--label: expected KEY=VALUE"),
        (("machine", "create", "--label", "dev.os2.name=x"), "is reserved for os2"),
        (("machine", "create", "--stage", "a--b"), "--stage: invalid stage 'a--b'"),
        (("machine", "create", "--public"), "--public is not supported on local-docker"),
        (("machine", "create", "--auto-stop", "2h"), "--auto-stop is not supported on local"),
        (("machine", "create", "--type", "daytona", "--cpu", "2"), "--cpu is not supported on"),
        (("machine", "create", "--type", "daytona", "--port", "9"), "--port is not supported on"),
        (
            ("machine", "create", "--type", "daytona", "--stage", "stg", "--auto-stop", "soon"),
            "--auto-stop: invalid duration 'soon'",
        ),
        (("machine", "create", "--type", "daytona"), "no stage is set"),
        (("snapshot", "daytona"), "no stage is set"),
        (("snapshot", "daytona", "--cpu", "1.5"), "--cpu: "),
        (("snapshot", "daytona", "--builder", "magic"), "--builder: "),
        (("snapshot", "daytona", "--no-wait", "--timeout", "9"), "contradict each other"),
        (("snapshot", "daytona", "--trust-host"), "--trust-host requires --builder local"),
        (("snapshot", "daytona", "--docker-host", "x"), "--docker-host requires --builder local"),
        (("snapshot", "resolve"), "no stage is set"),
        (("snapshot", "list", "--sort", "age"), "--sort: "),
        (("snapshot", "list", "--state", "old"), "--state: "),
        (("snapshot", "list", "--stage", "a--b"), "--stage: invalid stage 'a--b'"),
        (("snapshot", "list", "--stage", "stg", "--all-stages"), "contradict each other"),
        (("snapshot", "show"), "missing argument NAME"),
        (("snapshot", "show", "x:1", "--type", "daytona"), "invalid snapshot name 'x:1'"),
        (("snapshot", "rm"), "missing argument NAME..."),
        (("snapshot", "prune", "--keep", "-1"), "--keep: "),
        (("snapshot", "prune", "--older-than", "old"), "--older-than: invalid duration 'old'"),
        (("snapshot", "prune", "--older-than", "off"), "--older-than: invalid duration 'off'"),
        (("snapshot", "prune", "--type", "daytona"), "no stage is set"),
        (("snapshot", "logs"), "missing argument NAME"),
        (("snapshot", "logs", "a:b", "-f"), "--follow is not supported for builds on local-docker"),
        (("snapshot", "logs", "a:b", "--timeout", "9"), "--timeout requires --follow"),
        (("snapshot", "context", "--repo", "none"), "--repo: none is not a directory"),
        (("snapshot", "activate", "a", "--no-wait", "--timeout", "9"), "contradict each other"),
        (("machine", "show"), "missing argument NAME"),
        (("machine", "rm"), "name the machines to remove, or pass --all"),
        (("machine", "rm", "a", "--all"), "names and --all contradict each other"),
        (("snapshot", "local-docker", "--repo", "none"), "--repo: none is not a directory"),
        (("snapshot", "local-docker", "--dockerfile", "none"), "Dockerfile none not found"),
        (("snapshot", "local-docker", "--build-arg", "=X"), "--build-arg: expected KEY=VALUE"),
        (("stage",), "no stage is set"),
        (("stage", "--progress", "loud"), "--progress: unknown progress mode 'loud'"),
        (("--progress=", "stage"), "--progress: unknown progress mode ''"),
        (("help", "nonsense"), "unknown topic or command 'nonsense'"),
        (("help", "machine", "nonsense"), "unknown topic or command 'machine nonsense'"),
        (("help", "exit-codes", "more"), "unknown topic or command 'exit-codes more'"),
        (("schema", "nonsense"), "unknown schema 'nonsense'"),
        (("schema", "machine"), "unknown schema 'machine'"),
        (("doctor", "--report", "--quiet"), "--report and --quiet contradict each other"),
        (("doctor", "tcp-api"), "NAME requires --fix"),
        (("doctor", "--fix", "tcp"), "unknown fix 'tcp'"),
        (("--docker-host", "x", "machine", "list"), "unknown option --docker-host"),
        (("machine", "list", "--docker-host", "non sense"), "--docker-host"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_error_line_with_a_hint(
    os2: Os2, arguments: tuple[str, ...], message: str
) -> None:
    result = os2(*arguments)

    error, hint = result.stderr.splitlines()
    assert result.status == 2
    assert result.stdout == ""
    assert error.startswith("error: ")
    assert message in error
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("command", NEEDS_ENGINE, ids=" ".join)
def test_without_an_engine_every_command_says_so(os2: Os2, command: tuple[str, ...]) -> None:
    result = os2(*command)

    error, hint = result.stderr.splitlines()[-2:]
    assert result.status == 8
    assert result.stdout == ""
    named = re.sub(r"^error: [^ ]+: ", "error: ", error)
    assert named.startswith("error: the Docker engine at tcp://127.0.0.1:1 (DOCKER_HOST)")
    assert "os2 doctor" in hint or "--fix" in hint


@pytest.mark.parametrize("command", NEEDS_ENGINE, ids=" ".join)
def test_with_json_the_error_is_one_document(os2: Os2, command: tuple[str, ...]) -> None:
    result = os2(*command, "--json")

    error = result.json()["error"]
    assert result.status == 8
    assert error["code"] == "engine_refused"
    assert set(error) == {"code", "message", "hint", "details"}


def test_global_flags_stand_before_or_after_the_command(os2: Os2) -> None:
    before = os2("--json", "stage", "--stage", "stg")
    after = os2("stage", "--stage", "stg", "--json")

    assert before.json() == after.json()
    assert before.json()["prefix"] == "stg--"


def test_the_stage_is_printed_with_its_origin(os2: Os2) -> None:
    result = os2("stage", env={"ITERATE_USER": "jonas"})

    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines == {
        "stage": "dev-jonas",
        "kind": "development",
        "prefix": "dev-jonas--",
        "from": "ITERATE_USER",
    }


@pytest.mark.parametrize("arguments", [("--help",), ("stage", "--stage", "stg")], ids=str)
def test_a_closed_reader_ends_it_quietly(os2: Os2, arguments: tuple[str, ...]) -> None:
    result = os2.unread(*arguments)

    assert (result.status, result.stderr) == (141, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("doctor",),
        ("stage", "--stage", "stg"),
        ("stage", "--stage", "stg", "--json"),
        ("stage", "--stage", "stg", "--quiet"),
    ],
    ids=" ".join,
)
def test_a_result_that_does_not_fit_on_the_disk_is_a_failure(
    os2: Os2, arguments: tuple[str, ...]
) -> None:
    # A file size limit fails a write as a full disk does.
    result = os2.shell('ulimit -f 0; exec "$@" > result', *arguments)

    assert result.status == 1
    assert result.stderr.startswith("error: cannot write the result: ")
    assert (os2.folder / "result").read_text() == ""


def test_a_closed_stdout_gives_no_traceback(os2: Os2) -> None:
    result = os2.shell('exec "$@" >&-', "stage", "--stage", "stg")

    assert (result.status, result.stderr) == (0, "")


def test_a_terminal_without_the_characters_shows_replacements(os2: Os2) -> None:
    result = os2("stage", "--stage", "größe", env={"PYTHONIOENCODING": "ascii"})

    assert result.status == 2
    assert "--stage: invalid stage 'gr??e'" in result.stderr


def test_a_broken_settings_file_is_named(os2: Os2) -> None:
    (os2.folder / ".git").mkdir()
    (os2.folder / "os2.toml").write_text("image = [broken")

    result = os2("machine", "list")

    assert result.status == 2
    assert str(os2.folder / "os2.toml") in result.stderr


def test_a_deleted_directory_gives_no_traceback(os2: Os2, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd '{gone}' && rmdir '{gone}' && exec \"$@\""

    result = os2.shell(script, "machine", "list")

    assert result.status == 2
    assert "the current directory no longer exists" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_and_nothing_is_written(os2: Os2, shell: str) -> None:
    result = os2("completion", shell)

    assert result.status == 0
    assert "_OS2_COMPLETE" in result.stdout
    assert not any((Path(os2.env["HOME"])).glob(".*rc"))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("os2 mach", ["machine"]),
        ("os2 help e", ["exit-codes", "environment"]),
        ("os2 help machine s", ["show", "shell", "start", "stats", "stop"]),
        ("os2 help machine show ", []),
        ("os2 help nonsense ", []),
        ("os2 schema er", ["error"]),
        ("os2 schema machine p", ["prune"]),
        ("os2 schema stage ", []),
        ("os2 machine list --type ", ["local-docker", "local-process", "daytona"]),
        ("os2 machine list --stage ", ["dev-jonas", "dev", "stg", "prd"]),
        ("os2 doctor --stage s", ["stg"]),
        ("os2 doctor --fix t", ["tcp-api", "tcp-api-off"]),
        ("os2 stage --stage p", ["prd"]),
        ("os2 stage --progress ", ["auto", "plain", "json", "none"]),
    ],
)
def test_completion_offers_what_can_follow_without_an_engine(
    os2: Os2, line: str, offered: list[str]
) -> None:
    words = line.split(" ")
    env = {
        "_OS2_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "ITERATE_USER": "jonas",
    }

    assert sorted(os2(env=env).stdout.split()) == sorted(offered)


def test_completion_of_a_stage_ignores_invalid_settings(os2: Os2) -> None:
    env = {
        "_OS2_COMPLETE": "complete_bash",
        "COMP_WORDS": "os2 stage --stage ",
        "COMP_CWORD": "3",
        "OS2_TIMEOUT": "soon",
    }

    assert os2(env=env).stdout.split() == ["dev", "stg", "prd"]


def test_the_script_for_bash_is_valid(os2: Os2) -> None:
    (os2.folder / "os2.bash").write_text(os2("completion", "bash").stdout)

    checked = os2.shell("exec bash -n os2.bash")

    assert (checked.status, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--version",), ("typer", "rich", "docker", "httpx", "pydantic")),
        (("stage", "--stage", "stg"), ("rich", "docker", "httpx", "pydantic")),
        (("config",), ("docker", "httpx", "posthog", "pydantic")),
        (("help",), ("docker", "httpx", "posthog", "pydantic")),
        (("help", "environment"), ("docker", "httpx", "posthog", "pydantic")),
        (("help", "machine", "create"), ("docker", "httpx", "posthog", "pydantic")),
        (("schema",), ("rich", "docker", "httpx", "posthog", "pydantic")),
        (("schema", "machine", "list"), ("rich", "docker", "httpx", "posthog")),
        (("schema", "doctor"), ("rich", "docker", "httpx", "posthog")),
    ],
    ids=lambda value: " ".join(value) if value[0] not in ("rich", "docker", "typer") else "",
)
def test_heavy_libraries_are_not_imported_for_light_commands(
    os2: Os2, arguments: tuple[str, ...], unwanted: tuple[str, ...]
) -> None:
    script = (
        "import sys; from os2cli.cli import main; "
        "status = main(sys.argv[1:]); print(*(m for m in sys.modules if '.' not in m))"
    )

    result = os2.python(script, *arguments)

    assert result.status == 0, result.stderr
    imported = set(result.stdout.splitlines()[-1].split())
    assert "os2cli" in imported
    assert imported.isdisjoint(unwanted)
