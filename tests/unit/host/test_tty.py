"""The terminal: restored to its previous state in every case."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import tty
from collections.abc import Iterator

import pytest

from os2cli.core.errors import UsageError
from os2cli.host.interrupts import Interrupted
from os2cli.host.tty import Terminal


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """The user's end of a pseudo-terminal, and the program's."""
    master, slave = pty.openpty()
    yield master, slave
    for end in (master, slave):
        try:
            os.close(end)
        except OSError:
            continue


@pytest.fixture
def terminal(ends: tuple[int, int]) -> Terminal:
    return Terminal(ends[1], ends[1], "xterm")


def flags(end: int) -> int:
    found: int = termios.tcgetattr(end)[3]
    return found


def resize(end: int, columns: int, lines: int) -> None:
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def test_raw_passes_ctrl_c_on_and_is_over_afterwards(
    ends: tuple[int, int], terminal: Terminal
) -> None:
    master, slave = ends
    before = termios.tcgetattr(slave)

    with terminal.raw():
        assert not flags(slave) & (termios.ECHO | termios.ICANON | termios.ISIG)
        os.write(master, b"\x03\x04")
        assert os.read(slave, 9) == b"\x03\x04"

    assert termios.tcgetattr(slave) == before


def test_what_was_typed_before_is_not_lost(ends: tuple[int, int], terminal: Terminal) -> None:
    os.write(ends[0], b"typed ahead\n")

    with terminal.raw():
        assert os.read(terminal.input, 99) == b"typed ahead\n"


@pytest.mark.parametrize("error", [Interrupted(signal.SIGTERM), OSError()], ids=["signal", "error"])
def test_it_is_as_it_was_after_a_failure(terminal: Terminal, error: BaseException) -> None:
    before = termios.tcgetattr(terminal.input)

    with pytest.raises(type(error)), terminal.raw():
        raise error

    assert termios.tcgetattr(terminal.input) == before


def test_what_another_program_did_to_it_is_undone(terminal: Terminal) -> None:
    before = termios.tcgetattr(terminal.input)

    with terminal.restored():
        tty.setraw(terminal.input)

    assert termios.tcgetattr(terminal.input) == before


def test_a_terminal_that_is_gone_raises_nothing(ends: tuple[int, int], terminal: Terminal) -> None:
    with terminal.raw():
        os.close(ends[0])


def test_the_size_is_reported_at_once_and_on_every_change(
    ends: tuple[int, int], terminal: Terminal
) -> None:
    sizes: list[tuple[int, int]] = []
    resize(ends[0], 100, 30)
    before = signal.getsignal(signal.SIGWINCH)

    with terminal.watched(lambda size: sizes.append((size.columns, size.lines))):
        resize(ends[0], 120, 40)
        signal.raise_signal(signal.SIGWINCH)
    resize(ends[0], 7, 7)
    signal.raise_signal(signal.SIGWINCH)

    assert sizes == [(100, 30), (120, 40)]
    assert signal.getsignal(signal.SIGWINCH) is before


def test_a_size_that_can_t_be_passed_on_ends_nothing(
    ends: tuple[int, int], terminal: Terminal
) -> None:
    def fail(size: os.terminal_size) -> None:
        raise OSError(f"no {size}")

    with terminal.watched(fail):
        signal.raise_signal(signal.SIGWINCH)


@pytest.mark.parametrize("missing", ["stdin", "stdout"])
def test_without_one_there_is_no_shell(
    ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    with open(ends[1], "w", closefd=False) as screen, open(os.devnull) as nothing:  # noqa: PTH123
        for name in ("stdin", "stdout"):
            monkeypatch.setattr(sys, name, nothing if name == missing else screen)

        with pytest.raises(UsageError) as caught:
            Terminal.of_process("xterm", "os2 machine exec a -- COMMAND")

    assert caught.value.hint == "os2 machine exec a -- COMMAND"
