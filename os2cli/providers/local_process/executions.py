"""Running programs in a machine: their streams, exit codes, and end."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from os2cli.core.cancellation import check
from os2cli.core.models import Command, Streams
from os2cli.host.tty import Terminal
from os2cli.providers.local_process.processes import until

CHUNK_BYTES = 64 * 1024
POLL_SECONDS = 0.1
END_SECONDS = 2.0
NOT_FOUND, NOT_EXECUTABLE = 127, 126


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
        for is_error, data in self._pieces(command, None):
            if is_error:
                self.stderr = (self.stderr + data)[-CHUNK_BYTES:]
            else:
                yield data

    def attach(self, terminal: Terminal, argv: list[str], banner: str) -> int:
        """Hand the terminal to a program until it ends, and return its exit code."""
        os.write(terminal.output, os.fsencode(banner))
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
            process.send_signal(signal.SIGHUP)
            if not until(lambda: process.poll() is not None, END_SECONDS):
                process.kill()
                process.wait()
            raise

    def _pieces(self, command: Command, stdin: BinaryIO | None) -> Generator[tuple[bool, bytes]]:
        """Yield chunks of both streams; closing the generator ends the program."""
        try:
            process = self._start(command, stdin)
        except OSError as error:
            self.exit_code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            yield True, os.fsencode(f"{error.filename}: {error.strerror}\n")
            return
        with _ended_with_us(process):
            if stdin is not None:
                threading.Thread(target=_pump_in, args=(stdin, process.stdin), daemon=True).start()
            yield from _read(process)
            self.exit_code = _exit_code(process.wait())

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
    """Yield both streams to their ends, or to the program's: its children may keep them open."""
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, stream is process.stderr)
        while selector.get_map():
            check()
            ready = selector.select(POLL_SECONDS)
            if not ready and process.poll() is not None:
                return
            for key, _ in ready:
                data = os.read(key.fd, CHUNK_BYTES)
                if data:
                    yield key.data, data
                else:
                    selector.unregister(key.fileobj)


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the program's process group if the block raises."""
    try:
        yield
    except BaseException:
        _end(process)
        raise
    finally:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    if not until(lambda: process.poll() is not None, END_SECONDS):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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
