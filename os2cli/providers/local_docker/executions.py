"""Running programs in a container: their streams, their exit codes, and their end."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from os2cli.models import Command, Streams
from os2cli.providers.local_docker.engine import Engine
from os2cli.terminal import Terminal

if TYPE_CHECKING:
    import docker

STDOUT, STDERR = 1, 2
CHUNK_BYTES = 64 * 1024
LOGIN_SHELL = ("sh", "-c", 'exec "${SHELL:-/bin/sh}" -l')
_MARK = "OS2_EXECUTION"
# Everything that the command started carries the mark in its environment.
_END_MARKED = """
for process in /proc/[0-9]*; do
    if grep -qsz "^OS2_EXECUTION=$1$" "$process/environ"; then
        kill -s "$2" "${process#/proc/}" 2>/dev/null
    fi
done
"""


class Execution:
    """One program in one container; the engine's own connection carries its streams."""

    def __init__(self, engine: Engine, container: str, doing: str) -> None:
        self.engine = engine
        self.container = container
        self.doing = doing
        self.mark = uuid.uuid4().hex
        self.stderr = b""
        self.exit_code = 0

    def run(self, command: Command, streams: Streams) -> int:
        """Run it to its end and return its exit code; whoever ends this ends the program, too."""
        targets = {STDOUT: streams.stdout, STDERR: streams.stderr}
        with closing(self._frames(command, streams.stdin)) as frames:
            for stream, data in frames:
                targets[stream].write(data)
                targets[stream].flush()
        return self.exit_code

    def output(self, command: Command) -> Iterator[bytes]:
        """What it writes to stdout, as it comes; ``stderr`` and ``exit_code`` are known then."""
        for stream, data in self._frames(command, None):
            if stream == STDOUT:
                yield data
            else:
                self.stderr = (self.stderr + data)[-CHUNK_BYTES:]

    def _frames(self, command: Command, stdin: BinaryIO | None) -> Generator[tuple[int, bytes]]:
        """Pieces of both streams as they come; who stops reading ends the program."""
        # What fails where the pieces go is none of the engine's failures: it is raised out there.
        with self.engine.errors(self.doing):
            client = self.engine.client
            execution = self._create(command, stdin=stdin is not None, tty=False)
            with self._ended_with_us(), self._connection(client, execution) as connection:
                if stdin is not None:
                    self._in_thread(_pump_in, stdin, connection)
                yield from _frames(connection)
            self.exit_code = self._exit_code(client, execution)

    def attach(self, terminal: Terminal, command: Command) -> int:
        """Lend the terminal to a program until it ends, and return its exit code."""
        client = self.engine.client
        execution = self._create(command, stdin=True, tty=True)

        def resize(size: Any) -> None:
            with suppress(Exception):  # the shell may have ended at this moment
                client.exec_resize(execution, height=size.lines, width=size.columns)

        with (
            self._ended_with_us(),
            self._connection(client, execution, tty=True) as connection,
            terminal.watched(resize),
            terminal.raw(),
        ):
            keys = open(terminal.input, "rb", buffering=0, closefd=False)  # noqa: SIM115
            self._in_thread(_pump_in, keys, connection)
            with open(terminal.output, "wb", buffering=0, closefd=False) as screen:
                while data := connection.recv(CHUNK_BYTES):
                    screen.write(data)
        return self._exit_code(client, execution)

    def _create(self, command: Command, *, stdin: bool, tty: bool) -> str:
        answer = self.engine.client.exec_create(
            self.container,
            # By way of a shell, whose exit code for a program that is not there is everybody's.
            ["sh", "-c", 'exec "$@"', "sh", *command.argv],
            stdin=stdin,
            tty=tty,
            environment={**command.env, _MARK: self.mark},
            workdir=command.folder,
        )
        return str(answer["Id"])

    @contextmanager
    def _connection(
        self, client: docker.APIClient, execution: str, *, tty: bool = False
    ) -> Iterator[socket.socket]:
        """The raw connection that the engine turns the request into."""
        answer = client.exec_start(execution, socket=True, tty=tty)
        # The SDK gives the file around the socket; only the socket can be half closed.
        connection = cast("socket.socket", getattr(answer, "_sock", answer))
        # Programs may be silent for as long as they like.
        connection.settimeout(None)
        try:
            yield connection
        finally:
            # All three hold the same connection, and each keeps it open by itself.
            for holder in (answer, connection, getattr(answer, "_response", None)):
                if holder is not None:
                    with suppress(OSError, ValueError):
                        holder.close()

    @contextmanager
    def _ended_with_us(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with suppress(Exception):  # why we end is worth more
                self._end_program()
            raise

    def _end_program(self) -> None:
        """Ask what the command started to end; the engine itself leaves it running."""
        argv = ["sh", "-c", _END_MARKED, "sh", self.mark, "TERM"]
        client = self.engine.client
        client.exec_start(client.exec_create(self.container, argv)["Id"])

    def _in_thread(self, pump: Callable[..., None], *ends: object) -> None:
        threading.Thread(target=pump, args=ends, daemon=True).start()

    def _exit_code(self, client: docker.APIClient, execution: str) -> int:
        return int(client.exec_inspect(execution)["ExitCode"] or 0)


def _pump_in(source: IO[bytes], connection: socket.socket) -> None:
    """Pass everything on, then say that nothing more comes."""
    read = getattr(source, "read1", source.read)
    with suppress(OSError, ValueError):  # the program ended before it had read everything
        while data := read(CHUNK_BYTES):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def _frames(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """The engine's frames: each has a head of its stream's number and its length."""
    while head := _exactly(connection, 8):
        yield head[0], _exactly(connection, int.from_bytes(head[4:8], "big"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes; fewer when the connection ends."""
    parts = []
    while count > 0 and (data := connection.recv(min(count, CHUNK_BYTES))):
        parts.append(data)
        count -= len(data)
    return b"".join(parts)
