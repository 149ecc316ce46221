"""Every setting is described with its origin and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.core.redaction import HIDDEN, mask_userinfo, redact
from os2cli.settings import declared
from os2cli.settings.declared import OPTIONS
from os2cli.settings.describe import Setting, declared_variables, describe_settings
from os2cli.settings.settings import CREDENTIAL_VARIABLES, load_settings

KEY = "dtn_0123456789abcdef"


def described(home: Path, repository: Path | None = None, **environ: str) -> dict[str, Setting]:
    settings = load_settings(repository, {"HOME": str(home), **environ})
    return {setting.name: setting for setting in describe_settings(settings)}


class TestSettings:
    def test_every_option_and_every_variable_is_among_them(self, tmp_path: Path) -> None:
        found = described(tmp_path)

        groups = (
            declared.CREDENTIALS,
            declared.STAGE,
            declared.ENGINE,
            declared.TERMINAL,
            declared.ANALYTICS,
        )
        names = [variable.name for group in groups for variable in group]
        assert list(found) == [*(option.key for option in OPTIONS), *names]
        assert [s.variable for s in found.values()] == [d.variable for d in declared_variables()]

    def test_without_anything_they_are_the_defaults_or_not_set(self, tmp_path: Path) -> None:
        found = described(tmp_path)

        assert {s.origin for s in found.values()} == {"default", "not set"}
        assert found["timeout"] == Setting("timeout", "OS2_TIMEOUT", "120", "default")
        assert found["dockerfile"] == Setting("dockerfile", "OS2_DOCKERFILE", None, "default")
        assert found["APP_STAGE"] == Setting("APP_STAGE", "APP_STAGE", None, "not set")

    def test_each_names_where_it_came_from(self, tmp_path: Path) -> None:
        repository = tmp_path / "repository"
        repository.mkdir()
        (repository / "os2.toml").write_text('base_image = "ours:1"\ntimeout = 7\n')
        user_file = tmp_path / ".config/os2/config.toml"
        user_file.parent.mkdir(parents=True)
        user_file.write_text('daytona_target = "eu"\n')

        found = described(tmp_path, repository, OS2_TIMEOUT="9", CI="1")

        assert {name: (s.value, s.origin) for name, s in found.items() if s.value} == {
            "image": ("iterate-sandbox:local", "default"),
            "base_image": ("ours:1", str(repository / "os2.toml")),
            "timeout": ("9", "OS2_TIMEOUT"),
            "daytona_api_url": ("https://app.daytona.io/api", "default"),
            "daytona_target": ("eu", str(user_file)),
            "cache_ttl": ("300", "default"),
            "CI": ("1", "CI"),
        }

    @pytest.mark.parametrize("name", ["DAYTONA_API_KEY", "DAYTONA_JWT_TOKEN", "POSTHOG_KEY"])
    def test_of_a_secret_only_that_it_is_set(self, name: str, tmp_path: Path) -> None:
        assert described(tmp_path, None, **{name: KEY})[name] == Setting(
            name, name, None, name, True
        )
        assert described(tmp_path)[name].origin == "not set"

    def test_the_organization_id_is_shown(self, tmp_path: Path) -> None:
        found = described(tmp_path, None, DAYTONA_ORGANIZATION_ID=" org ")

        assert found["DAYTONA_ORGANIZATION_ID"].value == "org"

    def test_the_secrets_are_those_that_are_read_from_the_environment_alone(self) -> None:
        secrets = [declared.variable for declared in declared_variables() if declared.secret]

        assert secrets == [*CREDENTIAL_VARIABLES[:2], "DOCKER_AUTH_CONFIG", "POSTHOG_KEY"]

    def test_the_user_of_an_address_is_hidden(self, tmp_path: Path) -> None:
        found = described(
            tmp_path,
            None,
            DAYTONA_API_URL=f"https://me:{KEY}@x.example/api",
            DOCKER_HOST=f"tcp://{KEY}@h:1",
        )

        assert found["daytona_api_url"].value == f"https://{HIDDEN}@x.example/api"
        assert found["DOCKER_HOST"].value == f"tcp://{HIDDEN}@h:1"

    def test_every_one_says_what_it_is_for(self) -> None:
        for declaration in declared_variables():
            assert declaration.help, declaration.variable
            assert not declaration.help.endswith("."), declaration.variable


class TestRedaction:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("https://x.example/api", "https://x.example/api"),
            ("https://u:p@x.example/api", f"https://{HIDDEN}@x.example/api"),
            ("at ssh://me@h, then", f"at ssh://{HIDDEN}@h, then"),
            ("https://u:p@ss@x", f"https://{HIDDEN}@x"),
            ("https://u:p/w@x", f"https://{HIDDEN}@x"),
            ("image@sha256:abc and me@x", "image@sha256:abc and me@x"),
        ],
    )
    def test_the_user_of_an_address(self, text: str, shown: str) -> None:
        assert mask_userinfo(text) == shown

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("/home/jonas/src is", "~/src is"),
            ("in /home/jonas", "in ~"),
            ("/home/jonas2/src", "/home/jonas2/src"),
            ("stage dev-jonas, by Jonas@laptop", "stage dev-[user], by [user]@[host]"),
            ("jonass and xjonas", "jonass and xjonas"),
            ("laptop.example.org", "[host].example.org"),
            ("as root on localhost", "as root on localhost"),
        ],
    )
    def test_names(self, text: str, shown: str) -> None:
        private = {
            "jonas": "[user]",
            "laptop": "[host]",
            "root": "[user]",
            "localhost": "[host]",
            "": "x",
        }

        assert redact(text, Path("/home/jonas"), private) == shown

    def test_a_home_that_is_everything_is_left(self) -> None:
        assert redact("/etc/hosts", Path("/"), {}) == "/etc/hosts"
