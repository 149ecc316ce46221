"""The quick answers: the same as the command's, or none."""

from __future__ import annotations

import shutil
import time
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from os2cli import __version__
from os2cli.app.quick import quick_answer
from os2cli.commands import build_app
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import Settings, load_settings
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache
from tests.command import Os2, base_environment

KEY = "dtn_a-key-that-nobody-has"
NOWHERE = "http://127.0.0.1:1/api"
ENVIRONMENT = {"DAYTONA_API_KEY": KEY, "DAYTONA_API_URL": NOWHERE, "APP_STAGE": "stg"}
NAMES = {"stg": "stg--20260111-120000", "prd": "prd--20260110-093000"}
RESOLVE = ("snapshot", "resolve")
SLOW_MODULES = ("typer", "click", "rich", "httpx", "pydantic", "diskcache", "docker", "pickle")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in whose cache the newest snapshots of two stages are known."""
    home = tmp_path_factory.mktemp("filled")
    remember(NAMES, load_settings(None, {"HOME": str(home), **ENVIRONMENT}))
    return home


@pytest.fixture
def here(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a user whose home is ``filled``."""
    shutil.copytree(filled, tmp_path / "home", dirs_exist_ok=True)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return folder


def remember(names: dict[str, str], settings: Settings | None = None) -> None:
    settings = settings or load_settings(None)
    known = SnapshotCache(settings.snapshot_cache_dir, 300)
    for stage, name in names.items():
        known.put(settings.daytona.fingerprint, f"{stage}--", CachedSnapshot(name, f"id of {name}"))


def as_a_process(folder: Path) -> Os2:
    return Os2(folder, {**base_environment(folder.parent / "home"), **ENVIRONMENT})


class TestVersion:
    def test_it_is_answered(self) -> None:
        assert quick_answer(["--version"]) == f"os2 {__version__}"

    @pytest.mark.parametrize(
        "arguments", [["--version", "-q"], ["-q", "--version"], ["--versions"], ["-V"], ["version"]]
    )
    def test_only_alone(self, arguments: list[str]) -> None:
        assert quick_answer(arguments) is None


@pytest.mark.usefixtures("here")
class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "stage"),
        [
            ((), "stg"),
            (("-q",), "stg"),
            (("--quiet",), "stg"),
            (("--stage", "prd"), "prd"),
            (("--stage=prd",), "prd"),
            (("--stage", "prd", "-q"), "prd"),
            (("--quiet", "--stage=prd"), "prd"),
            (("-q", "--stage", "prd", "--quiet"), "prd"),
            (("--stage", " prd "), "prd"),
        ],
        ids=" ".join,
    )
    def test_a_plain_question_is_answered(self, arguments: tuple[str, ...], stage: str) -> None:
        assert quick_answer([*RESOLVE, *arguments]) == NAMES[stage]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--json",),
            ("--explain",),
            ("--no-cache",),
            ("-v",),
            ("--verbose",),
            ("--debug",),
            ("-h",),
            ("--help",),
            ("-qv",),
            ("stg",),
            ("--",),
            ("--stage",),
            ("--stage", "-q"),
            ("--stage", "-q", "prd"),
            ("--stage", "--quiet", "prd"),
            ("--stage", "--json"),
            ("--stage", "prd", "--json"),
            ("--stage", "prd", "stg"),
            ("--stage", "prd", "--stage", "prd"),
            ("--stage=prd", "--stage=stg"),
            ("--stag", "prd"),
            ("--stages=prd",),
            ("--stage", ""),
            ("--stage=",),
            ("--stage", "a--b"),
            ("--stage", "unknown"),
            ("--stage", "dev-jonas"),
            ("--stage", "pr-1"),
        ],
        ids=" ".join,
    )
    def test_anything_else_is_left_to_the_command(self, arguments: tuple[str, ...]) -> None:
        assert quick_answer([*RESOLVE, *arguments]) is None

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("snapshot",),
            ("resolve",),
            ("resolve", "snapshot"),
            ("snapshot", "daytona"),
            ("-q", "snapshot", "resolve"),
            ("snapshot", "-q", "resolve"),
            ("machine", "list"),
        ],
        ids=" ".join,
    )
    def test_other_commands_are_left_alone(self, arguments: tuple[str, ...]) -> None:
        assert quick_answer(arguments) is None


WORDS = st.sampled_from(
    [
        *("--stage", "--stage", "--stage=stg", "--stage=prd", "--stage=", "--stag"),
        *("stg", "prd", "dev-x", "", "-q", "-q", "--quiet", "-qq", "-v", "-qv"),
        *("--json", "--explain", "--no-cache", "--no-input", "--", "-h"),
    ]
)


@cache
def resolve_command() -> Any:
    """The command that answers when the quick path does not."""
    command: Any = build_app()
    for name in RESOLVE:
        command = command.commands[name]
    return command


def parsed(arguments: list[str]) -> tuple[Invocation, dict[str, object]] | None:
    """Parse with the command's own parser; None when it rejects the input or prints help."""
    invocation = Invocation()
    try:
        with redirect_stderr(StringIO()):
            context = resolve_command().make_context("resolve", arguments.copy(), obj=invocation)
    except (typer.TyperException, typer.Exit, SystemExit):
        return None
    return invocation, context.params


@pytest.mark.usefixtures("here")
class TestAnyArguments:
    @examples(max_examples=300)
    @example(arguments=["--stage", "-q", "prd"])
    @given(arguments=st.lists(WORDS, max_size=4))
    def test_an_answer_is_that_to_what_the_command_would_be_asked(
        self, arguments: list[str]
    ) -> None:
        answer = quick_answer([*RESOLVE, *arguments])

        if answer is not None:
            understood = parsed(arguments)
            assert understood is not None
            invocation, options = understood
            assert invocation in (Invocation(), Invocation(quiet=True))
            assert options.keys() == {"stage", "explain", "no_cache"}
            assert (options["explain"], options["no_cache"]) == (False, False)
            assert answer == NAMES[str(options["stage"] or "stg")]


@pytest.mark.usefixtures("here")
class TestSurroundings:
    def test_the_stage_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_STAGE", "prd")

        assert quick_answer(RESOLVE) == NAMES["prd"]

    @pytest.mark.parametrize(
        "environment",
        [
            {"DAYTONA_API_KEY": ""},
            {"DAYTONA_API_KEY": " "},
            {"DAYTONA_API_KEY": "another"},
            {"DAYTONA_API_URL": "https://app.daytona.io/api"},
            {"APP_STAGE": ""},
            {"APP_STAGE": "a--b"},
            {"APP_STAGE": "pr-1"},
            {"ITERATE_USER": "jonas"},
            {"OS2_CACHE_TTL": "0"},
            {"OS2_CACHE_TTL": "soon"},
            {"OS2_TIMEOUT": "-1"},
            {"XDG_CACHE_HOME": "/nowhere"},
        ],
        ids=str,
    )
    def test_what_is_not_known_or_wrong_is_left_to_the_command(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert quick_answer(RESOLVE) == NAMES["stg"]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

        assert quick_answer(RESOLVE) is None

    def test_a_contradiction_is_left_to_the_command_even_when_one_side_is_known(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ITERATE_USER", "jonas")
        remember({"dev-jonas": "dev-jonas--20260111-120000"})

        assert quick_answer(RESOLVE) is None
        assert quick_answer([*RESOLVE, "--stage", "stg"]) == NAMES["stg"]

    @pytest.mark.parametrize("stage", ["dev", "dev-jonas", "local-x"])
    def test_development_is_never_answered(self, stage: str) -> None:
        remember({stage: f"{stage}--20260111-120000"})

        assert quick_answer([*RESOLVE, "--stage", stage]) is None

    def test_a_doubtful_stage_is_left_to_the_command_which_warns(self) -> None:
        remember({"demo": "demo--20260111-120000"})

        assert quick_answer([*RESOLVE, "--stage", "demo"]) is None

    @pytest.mark.parametrize("text", ["image = ", "imgae = 'x'", "daytona_api_url = 'http://x'"])
    def test_a_wrong_file_of_the_repository_is_left_to_the_command(
        self, text: str, here: Path
    ) -> None:
        (here / ".git").mkdir()
        (here / "below").mkdir()
        assert quick_answer(RESOLVE) == NAMES["stg"]
        (here / "os2.toml").write_text(text)

        assert quick_answer(RESOLVE) is None

    def test_settings_of_a_file_count(self, here: Path) -> None:
        (here / ".git").mkdir()
        (here / "os2.toml").write_text("cache_ttl = 0")

        assert quick_answer(RESOLVE) is None

    def test_a_working_directory_that_is_gone_is_left_to_the_command(self, here: Path) -> None:
        shutil.rmtree(here)

        assert quick_answer(RESOLVE) is None

    def test_a_broken_cache_is_left_to_the_command(self) -> None:
        (load_settings(None).snapshot_cache_dir / "cache.db").write_bytes(b"garbage" * 999)

        assert quick_answer(RESOLVE) is None

    def test_an_answer_that_is_too_old_is_none(self) -> None:
        SnapshotCache(load_settings(None).snapshot_cache_dir, 300, lambda: time.time() - 301).put(
            load_settings(None).daytona.fingerprint, "stg--", CachedSnapshot("stg--old", "1")
        )

        assert quick_answer(RESOLVE) is None


class TestCommand:
    @pytest.mark.parametrize("arguments", [(), ("--stage", "prd"), ("--stage=prd", "-q")], ids=str)
    def test_it_prints_what_the_command_prints(
        self, arguments: tuple[str, ...], here: Path
    ) -> None:
        os2 = as_a_process(here)
        assert quick_answer([*RESOLVE, *arguments]) is not None
        # A flag that the quick answers don't know, and that changes nothing here.
        assert quick_answer([*RESOLVE, *arguments, "--no-input"]) is None

        quick, slow = os2(*RESOLVE, *arguments), os2(*RESOLVE, *arguments, "--no-input")

        assert quick == slow
        assert (quick.status, quick.stderr) == (0, "")
        assert quick.stdout.strip() in NAMES.values()

    def test_the_command_says_what_the_quick_way_left_to_it(self, here: Path) -> None:
        result = as_a_process(here)(*RESOLVE, env={"DAYTONA_API_KEY": ""})

        assert (result.status, result.stdout) == (4, "")
        assert "no API key for Daytona" in result.stderr

    SCRIPT = """
import sys
from os2cli.cli import main
status = main(sys.argv[2:])
print(*sorted(set(sys.argv[1].split()) & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""

    def test_a_cached_answer_needs_nothing_that_is_slow_to_import(self, here: Path) -> None:
        result = as_a_process(here).python(self.SCRIPT, " ".join(SLOW_MODULES), *RESOLVE)

        assert (result.status, result.stdout) == (0, f"{NAMES['stg']}\n")
        assert result.stderr == "\n"

    def test_the_command_itself_does(self, here: Path) -> None:
        script, modules = self.SCRIPT, " ".join(SLOW_MODULES)

        result = as_a_process(here).python(script, modules, *RESOLVE, "--no-input")

        assert (result.status, result.stdout) == (0, f"{NAMES['stg']}\n")
        assert {"typer", "click"} & set(result.stderr.split())

    def test_a_closed_pipe_ends_it_silently(self, here: Path) -> None:
        result = as_a_process(here).unread(*RESOLVE)

        assert (result.status, result.stderr) == (141, "")
