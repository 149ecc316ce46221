"""Programs in a container, with unusual answers of the engine."""

from __future__ import annotations

import io
import os
import pty
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from os2cli.core.deadline import within
from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.core.models import Command, Streams
from os2cli.host.tty import Terminal
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.hijacked import Connection
from os2cli.providers.local_docker.engine.sockets import DeadlineSocket
from os2cli.providers.local_docker.machines import executions
from os2cli.providers.local_docker.machines.executions import Execution


class Client:
    """The engine behind the SDK; ``codes`` are the exit codes it reports, in turn.

    ``ends`` is the exit code that the script reports, None if it does not; without a shell the
    engine says so. ``stays`` keeps the connection open, as a program in the background does.
    """

    def __init__(
        self,
        *codes: int | None,
        output: bytes = b"",
        ends: int | None = None,
        shell: bool = True,
        stays: bool = False,
    ) -> None:
        self.codes = list(codes)
        self.output = output
        self.ends = ends
        self.shell = shell
        self.stays = stays
        self.created: list[list[str]] = []
        self.options: list[dict[str, Any]] = []

    def exec_create(self, container: str, argv: list[str], **options: Any) -> dict[str, str]:
        assert container == "c"
        self.created.append(argv)
        self.options.append(options)
        return {"Id": "e"}

    def _answer(self) -> bytes:
        if self.created[-1][0] != "sh" or self.options[-1].get("tty"):
            return self.output
        if not self.shell:
            return frame(1, b"OCI runtime exec failed: no sh\r\n")
        mark = self.options[-1]["environment"]["OS2_RUN_MARK"].encode()
        end = b"" if self.ends is None else mark + b":%d;\n" % self.ends
        return frame(1, mark + b"\n") + self.output + frame(1, end) + frame(2, end)

    def exec_start(self, execution: str, **options: Any) -> Any:
        assert execution == "e"
        if not options.get("socket"):
            return b""
        ours, theirs = socketpair()

        def talk() -> None:
            with theirs:
                theirs.sendall(self._answer())
                if self.stays:
                    theirs.recv(1)

        threading.Thread(target=talk).start()
        return ours

    def exec_inspect(self, _: str) -> dict[str, int | None]:
        return {"ExitCode": self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]}

    def exec_resize(self, *_: Any, **__: Any) -> None:
        return None


def socketpair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    return DeadlineSocket(fileno=ours.detach()), theirs


class FakeEngine:
    def __init__(self, client: Client) -> None:
        self.client = client

    @contextmanager
    def errors(self, _: str) -> Iterator[None]:
        yield


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def run(client: Client, command: Command | None = None) -> tuple[int, bytes, bytes]:
    stdout, stderr = io.BytesIO(), io.BytesIO()
    execution = Execution(cast("Engine", FakeEngine(client)), "c", "running x")
    code = execution.run(command or Command(("x",)), Streams(stdout, stderr))
    return code, stdout.getvalue(), stderr.getvalue()


def test_streams_come_apart_however_they_are_cut() -> None:
    output = frame(1, b"out") + frame(2, b"err") + frame(1, b"") + frame(1, b"x" * 200_000)

    assert run(Client(output=output, ends=3)) == (3, b"out" + b"x" * 200_000, b"err")


def test_an_execution_ends_with_its_program_though_the_connection_stays() -> None:
    client = Client(None, output=frame(1, b"out"), ends=0, stays=True)

    assert run(client) == (0, b"out", b"")


def test_a_copy_that_stands_still_is_an_error_and_ends_its_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executions, "COPY_SECONDS", 0.2)
    client = Client(None, output=frame(1, b"out"), stays=True)
    execution = Execution(cast("Engine", FakeEngine(client)), "c", "copying x", copies="dev-1")
    stdout = io.BytesIO()

    with pytest.raises(TimedOut, match=r"copying x timed out: no data for 0.2 s") as caught:
        execution.run(Command(("tar",)), Streams(stdout, io.BytesIO()))

    assert caught.value.hint == "check the machine's processes: os2 machine exec dev-1 -- ps"
    assert stdout.getvalue() == b"out"
    assert client.created[-1][:2] == ["sh", "-c"]
    assert execution.mark in client.created[-1]


def test_a_question_that_is_not_answered_ends_its_program_after_the_deadline() -> None:
    client = Client(None, stays=True)

    with pytest.raises(TimeoutError), within(0.2):
        run(client)

    assert len(client.created) == 2


class WritesToItsEnd(Client):
    """Its program writes more than a connection holds before it ends.

    ``cut`` is whether the connection ended before.
    """

    cut = False

    def exec_start(self, execution: str, **options: Any) -> Any:
        assert execution == "e"
        if options.get("socket"):
            ours, self.theirs = socketpair()
            self.theirs.sendall(self._answer())
            return ours
        with self.theirs:
            self.theirs.settimeout(10)
            try:
                self.theirs.sendall(frame(1, b"x" * 4_000_000))
            except OSError:
                self.cut = True
        return b""


class Full(io.BytesIO):
    def write(self, _: Any) -> int:
        raise OSError("it is full")


def test_a_program_ends_before_its_connection() -> None:
    client = WritesToItsEnd(None, output=frame(1, b"out"))
    execution = Execution(cast("Engine", FakeEngine(client)), "c", "x")

    with pytest.raises(OSError, match="full"):
        execution.run(Command(("x",)), Streams(Full(), Full()))

    assert not client.cut


def test_a_program_on_a_terminal_ends_before_its_connection() -> None:
    client = WritesToItsEnd(None, output=b"out")
    execution = Execution(cast("Engine", FakeEngine(client)), "c", "x")
    master, slave = pty.openpty()
    read_only = os.open(os.ttyname(slave), os.O_RDONLY | os.O_NOCTTY)
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            execution.attach(Terminal(slave, read_only, "xterm"), Command(("sh",)))
    finally:
        for each in (master, slave, read_only):
            os.close(each)

    assert not client.cut


def test_what_is_taken_meanwhile_is_not_silence() -> None:
    ours, theirs = socketpair()
    connection, pause = Connection(ours, b""), threading.Event()

    def send() -> None:
        for _ in range(8):
            connection.send(b"x")
            pause.wait(0.1)
        theirs.sendall(frame(1, b"end"))

    with ours, theirs:
        threading.Thread(target=send, daemon=True).start()
        assert next(connection.frames(silence=0.4)) == (1, b"end")


def test_a_container_that_ends_ends_its_execution() -> None:
    assert run(Client(137, output=frame(1, b"out"))) == (137, b"out", b"")


@pytest.mark.parametrize("code", [126, 127])
def test_an_image_without_a_shell_runs_the_program_itself(code: int) -> None:
    client = Client(code, output=frame(2, b"err"), shell=False)

    assert run(client, Command(("x", "y"), {"A": "b"}, "/f")) == (code, b"", b"err")
    assert client.created[1] == ["x", "y"]
    assert client.options[1]["workdir"] == "/f"
    assert client.options[1]["environment"]["A"] == "b"


def test_an_exit_code_that_is_not_known_yet_is_waited_for() -> None:
    assert run(Client(None, None, 7))[0] == 7


def test_one_that_stays_unknown_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "END_SECONDS", 0.1)

    with pytest.raises(OperationFailed) as caught:
        run(Client(None))

    assert (caught.value.code, bool(caught.value.hint)) == ("execution_lost", True)


def test_no_argument_is_read_by_a_shell_or_seen_in_its_arguments() -> None:
    client = Client(0)

    run(client, Command(("x", "$HOME", "a\n'b"), {"A": "b"}, "-a; b"))

    environment = client.options[0]["environment"]
    assert client.created[0] == ["sh", "-c", 'eval "$OS2_RUN"']
    assert [environment[f"OS2_RUN_{word}"] for word in ("FOLDER", 2, 3, 4, "COUNT")] == [
        "-a; b", "x", "$HOME", "a\n'b", "5",
    ]  # fmt: skip
    assert environment["A"] == "b"


def test_a_terminal_that_takes_a_little_at_a_time_gets_all() -> None:
    master, slave = pty.openpty()
    output = b"".join(b"%06d\n" % number for number in range(20_000))
    got = bytearray()
    whole = len(output) + 20_000  # the terminal adds a return to each line

    def read() -> None:
        while len(got.replace(b"\r", b"")) < len(output):
            got.extend(os.read(master, 4096))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        execution = Execution(cast("Engine", FakeEngine(Client(5, output=output))), "c", "x")
        code = execution.attach(Terminal(slave, slave, "xterm"), Command(("sh",)))
        reader.join(10)
    finally:
        os.close(slave)
        os.close(master)

    assert code == 5
    assert bytes(got.replace(b"\r", b"")) == output
    assert len(got) <= whole


def test_no_key_of_the_shell_leaves_the_terminal() -> None:
    """As the engine reads them: it holds the first key back, and takes each that comes alone."""
    master, slave = pty.openpty()
    client = Client(0)
    execution = Execution(cast("Engine", FakeEngine(client)), "c", "x")
    try:
        execution.attach(Terminal(slave, slave, "xterm"), Command(("sh",)))
    finally:
        os.close(slave)
        os.close(master)
    keys = [
        ord(key[-1].upper()) & 0x1F if key.startswith("ctrl-") else ord(key)
        for key in client.options[0]["detach_keys"].split(",")
    ]

    assert keys[0] == 0
    assert not {ord("p") & 0x1F, ord("q") & 0x1F, 0x1B, *b"\r\n\t\x7f"} & set(keys)
    # Podman takes no key twice.
    assert len(set(keys)) == len(keys) >= 8
