"""Running programs in a machine: their streams, exit codes, and end."""

from __future__ import annotations

import fcntl
import os
import select
import selectors
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from os2cli.core.cancellation import check
from os2cli.core.deadline import seconds_left
from os2cli.core.errors import TimedOut
from os2cli.core.models import Command, Streams
from os2cli.host.tty import Terminal
from os2cli.providers.local_process.foreground import end_foreground

CHUNK_BYTES = 64 * 1024
POLL_SECONDS = 0.1
NOT_FOUND, NOT_EXECUTABLE = 127, 126
_READER = (sys.executable, "-I", "-S", "-c", f"import os\nwhile os.read(0, {CHUNK_BYTES}): pass")
# Otherwise the input of a shell's background is empty.
_IN_BACKGROUND = 'exec 3<&0; "$@" <&3 3<&- &'


@dataclass
class Execution:
    """One program with the machine's variables, in the directory of its repository."""

    env: Mapping[str, str]
    folder: Path
    stderr: bytes = b""
    exit_code: int = 0

    def run(self, command: Command, streams: Streams) -> int:
        """Run the program and return its exit code; an exception here also ends the program."""
        with closing(self._pieces(command, streams.stdin)) as pieces:
            for is_error, data in pieces:
                target = streams.stderr if is_error else streams.stdout
                target.write(data)
                target.flush()
        return self.exit_code

    def output(self, command: Command) -> Generator[bytes]:
        """Yield what it writes to stdout; ``stderr`` and ``exit_code`` are set afterwards."""
        with closing(self._pieces(command, None)) as pieces:
            for is_error, data in pieces:
                if is_error:
                    self.stderr = (self.stderr + data)[-CHUNK_BYTES:]
                else:
                    yield data

    def attach(self, terminal: Terminal, argv: list[str], banner: str) -> int:
        """Hand the terminal to a program until it ends, and return its exit code."""
        os.write(terminal.output, os.fsencode(banner))
        # A shell that is killed does not restore the terminal.
        with terminal.restored():
            process = subprocess.Popen(
                argv,
                env={**self.env, "TERM": terminal.kind},
                cwd=self.folder,
                stdin=terminal.input,
                stdout=terminal.output,
                stderr=terminal.output,
            )
            try:
                return _exit_code(process.wait())
            except BaseException:
                end_foreground(process, terminal.input)
                raise

    def _pieces(self, command: Command, stdin: BinaryIO | None) -> Generator[tuple[bool, bytes]]:
        """Yield chunks of both streams until the program ends; closing the generator ends it.

        Programs that it left in the background may still have the streams open.
        """
        try:
            process = self._start(command, stdin)
        except OSError as error:
            self.exit_code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            yield True, os.fsencode(f"{error.filename}: {error.strerror}\n")
            return
        with self._ended_with_us(process):
            if stdin is not None:
                threading.Thread(target=_pump_in, args=(stdin, process.stdin), daemon=True).start()
            yield from _read(process)
            self.exit_code = _exit_code(process.wait())

    @contextmanager
    def _ended_with_us(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """End what the program has in the foreground if the block raises."""
        try:
            yield
        except BaseException:
            # It may have something to write before it ends.
            self._leave(process)
            end_foreground(process)
            raise
        self._leave(process)

    def _leave(self, process: subprocess.Popen[bytes]) -> None:
        """Close the streams; if another program has one open, a process of the machine reads on.

        Without a reader, the next write would kill that program.
        """
        for stream in (process.stdout, process.stderr):
            if stream is None:
                continue
            with stream:
                if _has_writer(stream.fileno()):
                    subprocess.run(
                        ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *_READER],
                        env=self.env,
                        stdin=stream,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                        check=False,
                    )

    def _start(self, command: Command, stdin: BinaryIO | None) -> subprocess.Popen[bytes]:
        folder = self.folder / (command.folder or "")
        return subprocess.Popen(
            command.argv,
            env={**self.env, **command.env},
            cwd=folder,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )


def _read(process: subprocess.Popen[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Yield both streams to their ends, or what is in them when the program ends."""
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, stream is process.stderr)
        while selector.get_map():
            check()
            if seconds_left() == 0:
                raise TimedOut("the program did not end in time", hint="look at it: ps")
            has_ended = process.poll() is not None
            ready = selector.select(0 if has_ended else POLL_SECONDS)
            for key, _ in ready:
                for data in _available(key.fd) if has_ended else (os.read(key.fd, CHUNK_BYTES),):
                    if data:
                        yield key.data, data
                    else:
                        selector.unregister(key.fileobj)
            if has_ended:
                return


def _available(descriptor: int) -> Iterator[bytes]:
    """Yield what is in a pipe now, and nothing that is written later."""
    count = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]
    while count > 0 and (data := os.read(descriptor, min(count, CHUNK_BYTES))):
        count -= len(data)
        yield data


def _has_writer(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return not any(event & select.POLLHUP for _, event in poll.poll(0))


def _pump_in(source: BinaryIO, target: IO[bytes]) -> None:
    """Write everything, then close the program's input."""
    read = getattr(source, "read1", source.read)
    with suppress(OSError, ValueError):  # the program ended before it had read everything
        while data := read(CHUNK_BYTES):
            _write_all(target.fileno(), data)
    with suppress(OSError):
        target.close()


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _exit_code(returned: int) -> int:
    """Return the exit code as a shell reports it: 128 plus the signal that ended the program."""
    return returned if returned >= 0 else 128 - returned
