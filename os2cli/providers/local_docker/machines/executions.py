"""Running programs in a container: their streams, exit codes, and end."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import IO, Any, BinaryIO

from os2cli.core.cancellation import ended_by
from os2cli.core.deadline import apart, seconds_left, within
from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.core.models import Command, Streams
from os2cli.host.tty import Terminal
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import HURRIED_SECONDS
from os2cli.providers.local_docker.engine.hijacked import (
    CHUNK_BYTES,
    DETACH_KEYS,
    STDERR,
    STDOUT,
    Connection,
    Silence,
    hijacked,
)
from os2cli.providers.local_docker.machines.foreground import (
    END,
    MARK,
    RUN,
    RUN_DEPTH,
    Output,
    run_environment,
)

# The exit codes with which engines report that there is no such program.
NO_SHELL = (126, 127)
LOGIN_SHELL = ("sh", "-c", 'exec "${SHELL:-/bin/sh}" -l')
# The engine reports the exit code shortly after the streams end.
END_SECONDS = 5.0
# How long a copy may stand still: a process in the machine may have stopped its tar.
COPY_SECONDS = 120.0
# How often the script that ends a program looks for one that is starting, every 0.1 s.
FIND_ATTEMPTS = 20


class Execution:
    """One program in one container; a connection to the engine carries its streams.

    ``copies`` is the machine's name if it is one of a copy, which must read or write all the time;
    others may be silent for any time.
    """

    def __init__(self, engine: Engine, container: str, doing: str, *, copies: str = "") -> None:
        self.engine = engine
        self.container = container
        self.doing = doing
        self.copies = copies
        self.silence = COPY_SECONDS if copies else None
        self.mark = uuid.uuid4().hex
        self.stderr = b""
        self.exit_code = 0
        # How many programs of the machine were killed for memory meanwhile.
        self.memory_kills = 0

    def run(self, command: Command, streams: Streams) -> int:
        """Run the program and return its exit code; an exception here also ends the program."""
        targets = {STDOUT: streams.stdout, STDERR: streams.stderr}
        with closing(self._frames(command, streams.stdin)) as frames:
            for stream, data in frames:
                targets[stream].write(data)
                targets[stream].flush()
        return self.exit_code

    def output(self, command: Command) -> Generator[bytes]:
        """Yield what it writes to stdout; ``stderr`` and ``exit_code`` are set afterwards."""
        with closing(self._frames(command, None)) as frames:
            for stream, data in frames:
                if stream == STDOUT:
                    yield data
                else:
                    self.stderr = (self.stderr + data)[-CHUNK_BYTES:]

    def _frames(self, command: Command, stdin: BinaryIO | None) -> Generator[tuple[int, bytes]]:
        """Yield chunks of both streams until the program ends; closing the generator ends it.

        Programs that it left in the background may still have the streams open.
        """
        # Errors of the consumer are not the engine's: they are raised outside this block.
        with self.engine.errors(self.doing):
            stdout, stderr = Output(self._line, started=False), Output(self._line, started=True)
            outputs = {STDOUT: stdout, STDERR: stderr}
            environment = run_environment(command, self._line)
            execution = self._create(RUN, environment, stdin=stdin is not None)
            with self._ended_with_us(execution) as connection:
                waiting = stdin
                for stream, data in self._received(connection):
                    if written := outputs[stream].passed(data):
                        yield stream, written
                    if stdout.started and waiting is not None:
                        self._in_thread(_pump_in, waiting, connection)
                        waiting = None
                    if stdout.exit_code is not None and stderr.exit_code is not None:
                        break
            if not stdout.started and self._exit_code(execution) in NO_SHELL:
                yield from self._frames_without_a_shell(command, stdin)
            elif stdout.exit_code is None:
                self.exit_code = self._exit_code(execution)
            else:
                self.exit_code, self.memory_kills = stdout.exit_code, stdout.memory_kills

    def _frames_without_a_shell(
        self, command: Command, stdin: BinaryIO | None
    ) -> Generator[tuple[int, bytes]]:
        """Yield chunks of both streams until the engine closes them; nothing ends the program."""
        execution = self._create(
            command.argv, command.env, stdin=stdin is not None, workdir=command.folder
        )
        with self._connection(execution) as connection:
            if stdin is not None:
                self._in_thread(_pump_in, stdin, connection)
            yield from self._received(connection)
        self.exit_code = self._exit_code(execution)

    def _received(self, connection: Connection) -> Iterator[tuple[int, bytes]]:
        try:
            yield from connection.frames(self.silence)
        except Silence as error:
            raise TimedOut(
                f"{self.doing} timed out: no data for {self.silence:g} s",
                hint=f"check the machine's processes: os2 machine exec {self.copies} -- ps",
            ) from error

    def attach(self, terminal: Terminal, command: Command) -> int:
        """Connect the terminal to a program until it ends, and return its exit code."""
        execution = self._create(
            command.argv, command.env, stdin=True, tty=True, detach_keys=DETACH_KEYS
        )

        def resize(size: Any) -> None:
            with suppress(Exception):  # the shell may have just ended
                self.engine.client.exec_resize(execution, height=size.lines, width=size.columns)

        with (
            self._ended_with_us(execution, depth=0, tty=True) as connection,
            terminal.watched(resize),
            terminal.raw(),
        ):
            keys = open(terminal.input, "rb", buffering=0, closefd=False)  # noqa: SIM115
            self._in_thread(_pump_in, keys, connection)
            with open(terminal.output, "wb", buffering=0, closefd=False) as screen:
                while data := connection.receive():
                    _write_all(screen, data)
        return self._exit_code(execution)

    @property
    def _line(self) -> str:
        """The mark in the output; text seldom has its first character, which delays output."""
        return f"\x02{self.mark}"

    def _create(self, argv: Sequence[str], env: Mapping[str, str], **options: Any) -> str:
        environment = {**env, MARK: self.mark}
        answer = self.engine.client.exec_create(
            self.container, [*argv], environment=environment, **options
        )
        return str(answer["Id"])

    @contextmanager
    def _connection(self, execution: str, *, tty: bool = False) -> Iterator[Connection]:
        """Open the raw connection that the engine turns the request into."""
        answer = self.engine.client.exec_start(execution, socket=True, tty=tty)
        with hijacked(answer) as connection, ended_by(connection.end):
            yield connection

    @contextmanager
    def _ended_with_us(
        self, execution: str, *, depth: int = RUN_DEPTH, tty: bool = False
    ) -> Iterator[Connection]:
        """Start the program; an exception ends it, and only then its connection.

        With that, an engine may hang up the terminal, which ends what is in the background too.
        """
        with ExitStack() as connected:
            connection = None
            try:
                connection = connected.enter_context(self._connection(execution, tty=tty))
                yield connection
            except BaseException:
                if connection is not None:
                    # What it writes at its end must not stop it.
                    self._in_thread(_drain, connection)
                with suppress(Exception):  # the original exception matters more
                    self._end_program(execution, depth)
                if connection is not None:
                    with suppress(OSError):
                        connection.end()
                raise

    def _end_program(self, execution: str, depth: int) -> None:
        """End what the program has in the foreground; the engine leaves it running."""
        client = self.engine.client
        # Also when the deadline of what is interrupted has passed.
        with apart(HURRIED_SECONDS):
            ended = client.exec_inspect(execution)["ExitCode"] is not None
        if not ended:
            argv = ["sh", "-c", END, "sh", self.mark, str(depth), str(FIND_ATTEMPTS)]
            with apart(END_SECONDS):
                client.exec_start(client.exec_create(self.container, argv)["Id"])

    def _in_thread(self, pump: Callable[..., None], *ends: object) -> None:
        threading.Thread(target=pump, args=ends, daemon=True).start()

    def _exit_code(self, execution: str) -> int:
        with within(END_SECONDS):
            return self._exit_code_by_then(execution)

    def _exit_code_by_then(self, execution: str) -> int:
        while (code := self.engine.client.exec_inspect(execution)["ExitCode"]) is None:
            if seconds_left() == 0:
                raise OperationFailed(
                    f"{self.doing} failed: the connection ended before the program did",
                    hint="check the engine: os2 doctor",
                    code="execution_lost",
                )
            time.sleep(0.05)
        return int(code)


def _write_all(screen: IO[bytes], data: bytes) -> None:
    """Write everything: a terminal may accept only a part at a time."""
    while data:
        data = data[screen.write(data) or 0 :]


def _drain(connection: Connection) -> None:
    """Read until the end of the connection."""
    with suppress(OSError):
        while connection.receive():
            pass


def _pump_in(source: IO[bytes], connection: Connection) -> None:
    """Send everything, then close the sending side."""
    read = getattr(source, "read1", source.read)
    with suppress(OSError, ValueError):  # the program ended before it had read everything
        while data := read(CHUNK_BYTES):
            connection.send(data)
        connection.end_sending()
