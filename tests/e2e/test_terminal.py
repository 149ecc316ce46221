"""What a user sees and answers on a terminal of 80 columns, on the real engine."""

from __future__ import annotations

import re
from collections.abc import Callable

import pexpect
import pytest

from tests.command import Os2

pytestmark = pytest.mark.engine

COLUMNS = 80
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Type = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def terminal(os2: Os2) -> Type:
    """Type a command line of os2 on a terminal."""

    def start(*arguments: str) -> pexpect.spawn[str]:
        program, *rest = Os2.argv(*arguments)
        return pexpect.spawn(
            program,
            rest,
            cwd=str(os2.folder),
            env={**os2.env, "TERM": "xterm-256color"},
            dimensions=(24, COLUMNS),
            timeout=60,
            encoding="utf-8",
        )

    return start


def end(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    """Wait for the end; return the exit code and the text that was shown, without escapes."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, ESCAPES.sub("", child.before or "").replace("\r\n", "\n")


def test_removing_all_shows_what_goes_and_asks(os2: Os2, terminal: Type, stage: str) -> None:
    name = os2("machine", "create", "--no-wait", "-q").stdout.strip()
    command = ("machine", "rm", "--all", "--stage", stage)

    no = terminal(*command)
    no.expect_exact(f"This removes: {name}")
    no.expect_exact("Remove 1 machine? [y/N] ")
    no.sendline("")
    status, shown = end(no)
    assert (status, shown.strip()) == (0, "nothing was removed")
    assert os2("machine", "show", name).status == 0

    yes = terminal(*command)
    yes.expect_exact("[y/N] ")
    yes.sendline("y")
    status, shown = end(yes)
    assert (status, shown.splitlines()[-1]) == (0, f"removed {name}")


def test_without_a_terminal_removing_all_names_the_command_and_removes_nothing(
    os2: Os2, stage: str
) -> None:
    name = os2("machine", "create", "--no-wait", "-q").stdout.strip()

    result = os2("machine", "rm", "--all", "--stage", stage)

    assert result.status == 2
    hint = f"hint: os2 machine rm --all --stage {stage} --yes"
    assert result.stderr.splitlines()[-1] == hint
    assert os2("machine", "show", name).status == 0


def test_up_leaves_a_line_for_each_step_and_the_address(
    os2: Os2, terminal: Type, stage: str
) -> None:
    name = stage.removeprefix("dev-")

    status, shown = end(terminal("up", name))

    assert status == 0, shown
    lines = [line.rpartition("\r")[2] for line in shown.splitlines()]
    assert [line.split("  ")[0] for line in lines if line.startswith("✓")] == [
        "✓ Creating",
        "✓ Waiting until healthy",
    ]
    assert re.search(rf"^{name}  http://localhost:\d+$", shown, re.MULTILINE)
    assert f"remove  os2 machine rm {name}" in lines


@pytest.mark.parametrize("command", [("doctor",), ("machine", "list")], ids=" ".join)
def test_it_fits(os2: Os2, terminal: Type, command: tuple[str, ...], stage: str) -> None:
    os2("machine", "create", "--no-wait", "-q")
    # Tests that run beside this one have machines with the longest names.
    own = ("--stage", stage) if command == ("machine", "list") else ()

    status, shown = end(terminal(*command, *own))

    assert status == 0, shown
    # A path is one word, to be copied: it is never wrapped.
    assert [x for x in shown.splitlines() if len(x) > COLUMNS and len(x.split()) > 1] == []


def test_ctrl_c_rolls_back_and_ends_with_130(os2: Os2, terminal: Type, stage: str) -> None:
    # A daemon on another port than the published one never becomes healthy.
    child = terminal("machine", "create", "-e", "ITERATE_SERVER_PORT=3999")
    child.expect_exact("to answer")

    child.sendintr()

    status, shown = end(child)
    assert status == 130
    assert "os2: stopped by SIGINT" in shown
    assert os2("machine", "list", "--stage", stage, "--json").json() == []


def test_every_key_reaches_the_shell_at_once(os2: Os2, terminal: Type, stage: str) -> None:
    """Also Ctrl-P and Ctrl-Q, with which an engine's own terminals leave a program."""
    name = os2("machine", "create", "-q", "--stage", stage).stdout.strip()
    shell = terminal("machine", "shell", name)
    shell.sendline("echo rea''dy; stty raw -echo; od -An -tx1 -v -w1 -N4; stty sane; echo en''d")
    shell.expect_exact("ready")

    for key, code in (("\x10", "10"), ("\x10", "10"), ("\x11", "11"), ("\x1d", "1d")):
        shell.send(key)
        shell.expect_exact(f" {code}")
    shell.expect_exact("end")
    shell.sendline("exit 7")

    assert end(shell)[0] == 7
