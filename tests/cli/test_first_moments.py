"""Ctrl-C while os2 loads, and variables that the libraries it loads would believe."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from os2cli.settings.terminal_size import ignore_unusable_sizes
from tests.command import Os2

INTERRUPTED_IMPORT = """
import os, signal, sys
number = int(sys.argv.pop(1))

class Finder:
    seen = -1
    def find_spec(self, name, path=None, target=None):
        if name == "os2cli.cli":
            self.seen = 0
        if self.seen == number:
            os.kill(os.getpid(), signal.SIGINT)
        if self.seen >= 0:
            self.seen += 1

sys.meta_path.insert(0, Finder())
from os2cli.__main__ import main
sys.exit(main())
"""
IGNORED = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
# Of some 200 imports: dense where nothing is installed yet.
IMPORTS = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]


@pytest.mark.parametrize("number", IMPORTS)
def test_ctrl_c_at_any_import_is_not_a_traceback(os2: Os2, number: int) -> None:
    done = os2.python(INTERRUPTED_IMPORT, str(number), "machine", "list", "--type", "local-process")

    assert done.status == 130
    assert done.stdout == ""
    assert done.stderr == "os2: stopped by SIGINT\n"


def test_an_ignored_ctrl_c_stays_ignored(os2: Os2) -> None:
    done = os2.python(IGNORED + INTERRUPTED_IMPORT, "1", "stage", "--stage", "stg")

    assert done.status == 0
    assert done.stdout.startswith("stage ")


SIZES = (
    "0", "-1", "+80", " 80", "80 ", "x", "", "1", "19", "1e3", "0x50", "\uff18\uff10", "80\n",
    "99999",    "9" * 30, "9" * 5000, "\udcff",
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: repr(size)[:20])
def test_an_unusable_size_of_the_terminal_is_ignored(size: str) -> None:
    environ = {"COLUMNS": size, "TERMINAL_WIDTH": size, "OTHER": size}

    ignore_unusable_sizes(environ)

    assert environ == {"OTHER": size}


@pytest.mark.parametrize("size", ["20", "80", "132", "1000"])
def test_a_usable_size_is_left(size: str) -> None:
    environ = {"COLUMNS": size, "LINES": "24"}

    ignore_unusable_sizes(environ)

    assert environ == {"COLUMNS": size, "LINES": "24"}


SURROUNDINGS: tuple[Mapping[str, str], ...] = (
    {"COLUMNS": "0"},
    {"COLUMNS": "9" * 5000, "LINES": "-1"},
    {"TERMINAL_WIDTH": "x"},
    {"LC_ALL": "C", "PYTHONUTF8": "0"},
    {"LC_ALL": "nonsense", "LANG": "nonsense", "TZ": "nonsense"},
    {"TERM": "\x1b[31m", "NO_COLOR": "", "FORCE_COLOR": ""},
    {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
)


def test_names_beyond_ascii_work_in_a_locale_of_ascii(os2: Os2) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    folder = os2.folder / "h\xf6me/d\xefr"
    (folder / "sandbox").mkdir(parents=True)
    (folder / "sandbox/Dockerfile").write_text("FROM scratch\n")
    (folder / "f\xefle").touch()
    odd = Os2(folder, {**os2.env, **ascii_only, "XDG_STATE_HOME": str(folder)})

    context = odd("snapshot", "context", "--repo", str(folder))
    shown = odd("machine", "show", "n\xe4me", "--type", "local-process")

    assert (context.status, "f\xefle" in context.stdout) == (0, True), context
    assert shown.stderr.startswith("error: machine n\xe4me not found\n")


@pytest.mark.parametrize("env", SURROUNDINGS, ids=str)
@pytest.mark.parametrize("arguments", [["machine", "create", "--help"], ["cache", "show"]])
def test_no_variable_of_a_library_swallows_what_is_printed(
    os2: Os2, env: Mapping[str, str], arguments: list[str]
) -> None:
    plain, odd = os2(*arguments), os2(*arguments, env=env)

    assert odd.status == plain.status == 0
    assert abs(len(odd.stdout) - len(plain.stdout)) <= len(plain.stdout) / 5
    assert odd.stderr == plain.stderr
