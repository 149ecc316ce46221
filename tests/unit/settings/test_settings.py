"""The origin of each value: the environment, os2.toml, the user's file or the default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import UsageError
from os2cli.settings.declared import (
    DEFAULT_API_URL,
    DEFAULT_CACHE_SECONDS,
    DEFAULT_IMAGE,
    DEFAULT_TIMEOUT_SECONDS,
)
from os2cli.settings.settings import (
    ENGINE_VARIABLES,
    STAGE_VARIABLES,
    TERMINAL_VARIABLES,
    Settings,
    load_settings,
    parse_seconds,
    program_environment,
    terminal_variables,
    variable_here,
)

if TYPE_CHECKING:
    from pathlib import Path

LOCATIONS = {
    "image": "LOCAL_DOCKER_IMAGE_NAME",
    "dockerfile": "OS2_DOCKERFILE",
    "base_image": "BASE_IMAGE",
    "timeout": "OS2_TIMEOUT",
    "daytona_api_url": "DAYTONA_API_URL",
    "daytona_target": "DAYTONA_TARGET",
    "cache_ttl": "OS2_CACHE_TTL",
    "organization": "OS2_ORGANIZATION",
    "project": "OS2_PROJECT",
    "email": "OS2_EMAIL",
}
# What a repository must not decide.
OF_THE_USER = ("image", "daytona_api_url", "email")
SECRETS = {
    "DAYTONA_API_KEY": "dtn_0123456789abcdef",
    "DAYTONA_JWT_TOKEN": "eyJhbGciOiJub25lIn0.e30.",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "person"
    folder.mkdir()
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def user_file(home: Path) -> Path:
    """Return the path where ``load`` looks for the user's file."""
    (home / "configuration/os2").mkdir(parents=True)
    return home / "configuration/os2/config.toml"


def load(home: Path, repository: Path | None = None, **environ: str) -> Settings:
    base = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "configuration")}
    return load_settings(repository, {**base, **environ})


def value(settings: Settings, key: str) -> str:
    places = {
        "timeout": settings.timeout_seconds,
        "cache_ttl": settings.cache_seconds,
        "daytona_api_url": settings.daytona.url,
        "daytona_target": settings.daytona.target,
    }
    if key in ("organization", "project", "email"):
        return str(settings.values[key])
    return str(places[key] if key in places else getattr(settings, key))


class TestPrecedence:
    def test_without_anything_there_are_defaults(self, home: Path) -> None:
        settings = load(home)

        assert settings.image == DEFAULT_IMAGE
        assert (settings.dockerfile, settings.base_image) == (None, None)
        assert settings.timeout_seconds == DEFAULT_TIMEOUT_SECONDS
        assert settings.cache_seconds == DEFAULT_CACHE_SECONDS
        assert settings.daytona == DaytonaAccess(DEFAULT_API_URL)
        assert settings.origins == dict.fromkeys(LOCATIONS, "default")

    @pytest.mark.parametrize("key", [key for key in LOCATIONS if key not in OF_THE_USER])
    def test_each_source_beats_the_one_below_it(
        self, key: str, home: Path, repository: Path, user_file: Path
    ) -> None:
        found = []

        user_file.write_text(f'{key} = "1.0"\n')
        found.append(load(home, repository))
        (repository / "os2.toml").write_text(f'{key} = "2.0"\n')
        found.append(load(home, repository))
        found.append(load(home, repository, **{LOCATIONS[key]: "3.0"}))

        assert [value(settings, key) for settings in found] == ["1.0", "2.0", "3.0"]
        assert [settings.origins[key] for settings in found] == [
            str(user_file),
            str(repository / "os2.toml"),
            LOCATIONS[key],
        ]

    @pytest.mark.parametrize("key", OF_THE_USER)
    def test_what_a_repository_must_not_decide_comes_from_the_user_alone(
        self, key: str, home: Path, repository: Path, user_file: Path
    ) -> None:
        user_file.write_text(f'{key} = "1.0"\n')

        found = [load(home, repository), load(home, repository, **{LOCATIONS[key]: "3.0"})]

        assert [value(settings, key) for settings in found] == ["1.0", "3.0"]
        assert [s.origins[key] for s in found] == [str(user_file), LOCATIONS[key]]

    def test_sources_are_mixed_key_by_key(
        self, home: Path, repository: Path, user_file: Path
    ) -> None:
        user_file.write_text('image = "mine:1"\nbase_image = "mine:2"\ntimeout = 7\n')
        (repository / "os2.toml").write_text('base_image = "ours:1"\n')

        settings = load(home, repository, OS2_CACHE_TTL="5")

        assert (settings.image, settings.base_image) == ("mine:1", "ours:1")
        assert (settings.timeout_seconds, settings.cache_seconds) == (7, 5)
        assert settings.origins["dockerfile"] == "default"

    def test_an_empty_variable_counts_as_unset(self, home: Path, repository: Path) -> None:
        (repository / "os2.toml").write_text('base_image = "ours:1"\n')

        assert load(home, repository, BASE_IMAGE="").base_image == "ours:1"

    def test_outside_of_a_repository_its_file_is_not_looked_for(
        self, home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (repository / "os2.toml").write_text('base_image = "ours:1"\n')
        monkeypatch.chdir(repository)

        assert load(home).base_image is None

    def test_env_files_are_never_read(
        self, home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for folder in (home, repository):
            for name in (".env", ".env.local"):
                (folder / name).write_text("LOCAL_DOCKER_IMAGE_NAME=bad:1\nDOCKER_HOST=tcp://bad\n")
        monkeypatch.chdir(repository)

        settings = load(home, repository)

        assert settings.image == DEFAULT_IMAGE
        assert settings.variables == {}


class TestFiles:
    @pytest.mark.parametrize("text", ["image = ", "image", "= 1", '[a\nimage="x"'])
    def test_what_is_not_toml_is_refused(self, text: str, home: Path, repository: Path) -> None:
        (repository / "os2.toml").write_text(text)

        with pytest.raises(UsageError) as caught:
            load(home, repository)

        assert caught.value.code == "setting_file"
        assert f"{repository / 'os2.toml'}: invalid TOML: " in caught.value.message

    @pytest.mark.parametrize("text", ["imgae = 'x'", "[image]\nname = 'x'\n[other]", "a.b = 1"])
    def test_a_key_that_os2_does_not_know_is_refused(
        self, text: str, home: Path, user_file: Path
    ) -> None:
        user_file.write_text(text)

        with pytest.raises(UsageError) as caught:
            load(home)

        assert str(user_file) in caught.value.message
        assert caught.value.code in ("setting_unknown", "setting_invalid")

    def test_the_known_keys_are_named(self, home: Path, repository: Path) -> None:
        (repository / "os2.toml").write_text("imgae = 'x'")

        with pytest.raises(UsageError, match="unknown key 'imgae'") as caught:
            load(home, repository)

        assert caught.value.hint == (
            "known keys: dockerfile, base_image, timeout, daytona_target, cache_ttl, "
            "organization, project"
        )

    def test_the_users_file_knows_all_of_them(self, home: Path, user_file: Path) -> None:
        user_file.write_text("imgae = 'x'")

        with pytest.raises(UsageError, match="unknown key 'imgae'") as caught:
            load(home)

        assert caught.value.hint == f"known keys: {', '.join(LOCATIONS)}"

    @pytest.mark.parametrize("key", OF_THE_USER)
    def test_a_repository_that_would_decide_what_it_must_not_is_refused(
        self, key: str, home: Path, repository: Path
    ) -> None:
        (repository / "os2.toml").write_text(f"{key} = 'https://elsewhere.example/api'")

        with pytest.raises(UsageError) as caught:
            # Also when something else would decide it in the end.
            load(home, repository, **{LOCATIONS[key]: "https://here.example/api"})

        error = caught.value
        assert error.code == "setting_unknown"
        assert error.message == (
            f"{repository / 'os2.toml'}: {key!r} cannot be set by a repository"
        )
        assert "config.toml" in (error.hint or "")

    @pytest.mark.parametrize("key", ["daytona_api_key", "api_key", "DAYTONA_API_KEY"])
    def test_no_file_holds_a_key(self, key: str, home: Path, user_file: Path) -> None:
        user_file.write_text(f"{key} = 'dtn_secret'")

        with pytest.raises(UsageError, match="unknown key") as caught:
            load(home)

        assert "dtn_secret" not in f"{caught.value.message} {caught.value.hint}"

    @pytest.mark.parametrize("text", ["true", "[1]", "{a = 1}", "2026-01-11"])
    def test_a_value_that_is_neither_text_nor_number_is_refused(
        self, text: str, home: Path, repository: Path
    ) -> None:
        (repository / "os2.toml").write_text(f"base_image = {text}\n")

        with pytest.raises(UsageError, match="must be text or a number") as caught:
            load(home, repository)

        assert caught.value.code == "setting_invalid"

    def test_what_is_not_utf8_is_refused(self, home: Path, repository: Path) -> None:
        (repository / "os2.toml").write_bytes(b'image = "\xff"')

        with pytest.raises(UsageError, match="cannot read") as caught:
            load(home, repository)

        assert caught.value.code == "setting_file"

    def test_a_directory_named_like_the_file_is_rejected(
        self, home: Path, repository: Path
    ) -> None:
        (repository / "os2.toml").mkdir()

        with pytest.raises(UsageError, match="cannot read"):
            load(home, repository)

    def test_a_file_that_cannot_be_opened_is_refused(self, home: Path, repository: Path) -> None:
        # Permissions would not stop root, under which tests may run.
        (repository / "os2.toml").symlink_to("os2.toml")

        with pytest.raises(UsageError, match="cannot read") as caught:
            load(home, repository)

        assert caught.value.code == "setting_file"

    def test_a_file_instead_of_the_users_directory_is_ignored(self, home: Path) -> None:
        (home / "configuration").write_text("")

        assert load(home).image == DEFAULT_IMAGE


class TestTimeout:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("90", 90.0), ("0.5", 0.5), ("1e2", 100.0), (" 7 ", 7.0)]
    )
    def test_a_positive_number_is_read(self, text: str, seconds: float) -> None:
        assert parse_seconds(text, "OS2_TIMEOUT") == seconds

    @pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "-inf", "2m", "1,5"])
    def test_anything_else_is_refused_with_its_origin(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_seconds(text, "OS2_TIMEOUT")

        assert caught.value.code == "setting_invalid"
        assert caught.value.message == f"OS2_TIMEOUT: invalid number of seconds {text!r}"

    @pytest.mark.parametrize("text", ["0", "nan", "inf", '"soon"'])
    def test_a_bad_one_in_a_file_names_the_file(
        self, text: str, home: Path, repository: Path
    ) -> None:
        (repository / "os2.toml").write_text(f"timeout = {text}\n")

        with pytest.raises(UsageError) as caught:
            load(home, repository)

        assert caught.value.message.startswith(f"{repository / 'os2.toml'}: ")


class TestCacheTime:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("0", 0.0), ("0.5", 0.5), ("300", 300.0), ("1e3", 1000.0)]
    )
    def test_none_at_all_is_one_too(self, text: str, seconds: float, home: Path) -> None:
        assert load(home, OS2_CACHE_TTL=text).cache_seconds == seconds

    @pytest.mark.parametrize("text", ["-1", "nan", "inf", "5m"])
    def test_anything_else_is_refused_with_its_origin(self, text: str, home: Path) -> None:
        with pytest.raises(UsageError, match="OS2_CACHE_TTL: ") as caught:
            load(home, OS2_CACHE_TTL=text)

        assert caught.value.code == "setting_invalid"

    def test_answers_are_kept_below_the_cache(self, home: Path) -> None:
        settings = load_settings(None, {"HOME": str(home)})

        assert settings.snapshot_cache_dir == home / ".cache/os2/snapshots"


class TestDaytona:
    def test_who_asks_is_read_from_the_environment(self, home: Path) -> None:
        settings = load(
            home, None, **SECRETS, DAYTONA_ORGANIZATION_ID=" org ", DAYTONA_TARGET="eu"
        ).daytona

        assert (settings.api_key, settings.jwt) == tuple(SECRETS.values())
        assert (settings.organization, settings.target) == ("org", "eu")
        assert settings.configured

    @pytest.mark.parametrize("name", SECRETS)
    def test_either_of_both_is_enough_and_spaces_around_it_do_not_count(
        self, name: str, home: Path
    ) -> None:
        settings = load(home, None, **{name: f" {SECRETS[name]}\n"}).daytona

        assert [settings.api_key or settings.jwt] == [SECRETS[name]]
        assert settings.configured

    @pytest.mark.parametrize("text", ["", " ", "\n"])
    def test_an_empty_key_counts_as_unset(self, text: str, home: Path) -> None:
        settings = load(home, None, **dict.fromkeys(SECRETS, text)).daytona

        assert (settings.api_key, settings.jwt, settings.configured) == (None, None, False)

    @pytest.mark.parametrize("text", ["https://x.example/api", "https://x.example/api/ "])
    def test_an_address_may_end_in_a_slash(self, text: str, home: Path) -> None:
        settings = load(home, DAYTONA_API_URL=text).daytona

        assert (settings.url, settings.url_origin) == ("https://x.example/api", "DAYTONA_API_URL")

    def test_secrets_are_never_shown_or_passed_on(self, home: Path) -> None:
        settings = load(home, None, **SECRETS, DAYTONA_ORGANIZATION_ID="org")

        assert settings.variables == {}
        assert settings.daytona.api_key == SECRETS["DAYTONA_API_KEY"]
        for shown in (repr(settings), str(settings), f"{settings.daytona}"):
            assert not any(secret in shown for secret in SECRETS.values())

    def test_programs_that_os2_starts_get_none_of_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, secret in SECRETS.items():
            monkeypatch.setenv(name, secret)

        assert not set(SECRETS) & set(program_environment())
        assert not set(SECRETS.values()) & set(program_environment().values())

    def test_a_fingerprint_tells_accounts_apart_and_names_none(self, home: Path) -> None:
        accounts = [
            load(home, DAYTONA_API_KEY="dtn_one"),
            load(home, DAYTONA_API_KEY="dtn_two"),
            load(home, DAYTONA_API_KEY="dtn_one", DAYTONA_API_URL="https://x.example/api"),
            load(home, DAYTONA_JWT_TOKEN="jwt", DAYTONA_ORGANIZATION_ID="one"),
            load(home, DAYTONA_JWT_TOKEN="jwt", DAYTONA_ORGANIZATION_ID="two"),
        ]

        fingerprints = [account.daytona.fingerprint for account in accounts]

        assert len(set(fingerprints)) == len(accounts)
        assert all(re.fullmatch("[0-9a-f]{16}", fingerprint) for fingerprint in fingerprints)

    def test_a_fingerprint_stays_when_a_token_is_renewed(self, home: Path) -> None:
        old, new = (
            load(home, DAYTONA_JWT_TOKEN=token, DAYTONA_ORGANIZATION_ID="one")
            for token in ("old", "new")
        )

        assert old.daytona.fingerprint == new.daytona.fingerprint


class TestVariables:
    def test_the_known_ones_are_kept_and_nothing_else(self, home: Path) -> None:
        known = dict.fromkeys((*STAGE_VARIABLES, *ENGINE_VARIABLES, *TERMINAL_VARIABLES), "x")
        known["OS2_PROGRESS"] = "none"
        others = {"HOME": str(home), "AWS_SECRET_ACCESS_KEY": "secret", "PATH": "/bin"}

        settings = load_settings(None, {**others, **known})

        assert settings.variables == known
        assert "secret" not in repr(settings)

    def test_an_empty_one_counts_as_unset(self, home: Path) -> None:
        assert load(home, NO_COLOR="", CI="1").variables == {"CI": "1"}

    def test_the_process_environment_is_read_when_no_other_is_given(
        self, monkeypatch: pytest.MonkeyPatch, home: Path
    ) -> None:
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("APP_STAGE", "prd")

        settings = load_settings(None)

        assert settings.home == home
        assert settings.variables == {"APP_STAGE": "prd"}

    def test_only_those_of_the_terminal_are_left_when_nothing_else_can_be_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("CI", "")
        monkeypatch.setenv("APP_STAGE", "prd")

        assert terminal_variables() == {"NO_COLOR": "1"}

    def test_a_variable_that_the_user_names_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOKEN", "abc")
        monkeypatch.setenv("EMPTY", "")

        assert [variable_here(n) for n in ("TOKEN", "EMPTY", "NONE")] == ["abc", "", None]


class TestFolders:
    def test_they_are_below_the_home(self, home: Path) -> None:
        settings = load_settings(None, {"HOME": str(home)})

        assert settings.home == home
        assert settings.state_dir == home / ".local/state/os2"
        assert settings.cache_dir == home / ".cache/os2"

    def test_the_users_file_is_below_the_home_too(self, home: Path) -> None:
        (home / ".config/os2").mkdir(parents=True)
        (home / ".config/os2/config.toml").write_text('image = "mine:1"')

        assert load_settings(None, {"HOME": str(home)}).image == "mine:1"

    def test_other_places_can_be_given(self, home: Path) -> None:
        environ = {"HOME": str(home), "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}

        settings = load_settings(None, environ)

        assert [str(settings.state_dir), str(settings.cache_dir)] == ["/s/os2", "/c/os2"]

    @pytest.mark.parametrize("place", ["", "relative", "./x"])
    def test_a_place_that_is_not_absolute_does_not_count(self, place: str, home: Path) -> None:
        environ = {"HOME": str(home), "XDG_STATE_HOME": place}

        assert load_settings(None, environ).state_dir == home / ".local/state/os2"
