"""Commands in a container: made through the SDK, and talked to on a connection of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docker.errors import APIError, DockerException

from tests.daytona_server.executions import KILLED, Execution, Order
from tests.daytona_server.toolbox_errors import ToolboxError

if TYPE_CHECKING:
    from tests.daytona_server.containers import Containers
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

# It is in the environment of all that a command starts, so that this can be found again.
MARK = "DAYTONA_COMMAND_ID"
ENDED_SECONDS = 10.0
CHUNK = 64 * 1024
STDERR_STREAM = 2
_SHELL = "if command -v bash >/dev/null; then exec bash; fi; exec sh"
_SIGNAL = """
for found in $(grep -lsF "$2" /proc/[0-9]*/environ); do
    process=${found#/proc/}
    kill -s "$1" "${process%/environ}" 2>/dev/null
done
exit 0
"""


async def start(world: World, sandbox: SandboxRecord, order: Order) -> EngineExecution:
    """Begin to run something in the container of a sandbox.

    Raises:
        ToolboxError: the engine refuses.
    """
    engine = world.engine
    assert engine is not None
    mark = uuid.uuid4().hex
    env = {**order.env, MARK: mark}
    if order.terminal is not None:
        env["TERM"] = order.terminal.kind

    def create() -> str:
        created = engine.client.exec_create(
            sandbox.container,
            _arguments(order),
            stdin=order.reads,
            tty=order.terminal is not None,
            environment=env,
            workdir=order.cwd,
        )
        return str(created["Id"])

    try:
        id_ = await world.in_thread(create)
        reader, writer = await _attach(engine, id_, order)
    except (DockerException, OSError) as error:
        raise ToolboxError(502, f"the sandbox can't run it: {error}") from error
    return EngineExecution(world, sandbox, order, id_, mark, (reader, writer))


def _arguments(order: Order) -> list[str]:
    command = order.command
    if order.terminal is not None:
        # Older engines give a new terminal no size, and later it might be too late.
        size = f"stty rows {order.terminal.rows} cols {order.terminal.columns} 2>/dev/null"
        command = f"{size}; {_SHELL if command is None else command}"
    return ["sh", "-c", _SHELL if command is None else command, "sh", *order.arguments]


async def connect_to(engine: Containers) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to the engine."""
    where = urlsplit(engine.endpoint.url)
    if where.scheme == "unix":
        return await asyncio.open_unix_connection(where.path)
    return await asyncio.open_connection(where.hostname, where.port)


async def _attach(
    engine: Containers, id_: str, order: Order
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Start it on a new connection to the engine, which then belongs to it.

    The SDK can do that as well, but loses what comes along with the headers of the answer.
    """
    reader, writer = await connect_to(engine)
    body = json.dumps({"Detach": False, "Tty": order.terminal is not None}).encode()
    head = (
        f"POST /v{engine.client.api_version}/exec/{id_}/start HTTP/1.1\r\nHost: docker\r\n"
        "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    if answer.split(b" ", 2)[1] not in (b"101", b"200"):
        writer.close()
        raise OSError(answer.decode(errors="replace").splitlines()[0])
    return reader, writer


class EngineExecution(Execution):
    """One in a container."""

    def __init__(
        self,
        world: World,
        sandbox: SandboxRecord,
        order: Order,
        id_: str,
        mark: str,
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        assert world.engine is not None
        self._world = world
        self._client = world.engine.client
        self._sandbox = sandbox
        self._tty = order.terminal is not None
        self._id = id_
        self._mark = mark
        self._reader, self._writer = connection

    async def output(self) -> AsyncIterator[tuple[bool, bytes]]:
        """Both streams apart; with a terminal there is only one."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while self._tty:
                data = await self._reader.read(CHUNK)
                if not data:
                    return
                yield False, data
            while True:
                # One byte says which stream, the last four how much comes of it.
                head = await self._reader.readexactly(8)
                yield (
                    head[0] == STDERR_STREAM,
                    await self._reader.readexactly(int.from_bytes(head[4:], "big")),
                )

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def end_input(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(DockerException):
            await self._world.in_thread(self._client.exec_resize, self._id, rows, columns)

    async def signal(self, name: str) -> None:
        def send() -> None:
            with contextlib.suppress(APIError):
                arguments = ["sh", "-c", _SIGNAL, "sh", name, f"{MARK}={self._mark}"]
                created = self._client.exec_create(self._sandbox.container, arguments)
                self._client.exec_start(created["Id"])

        await self._world.in_thread(send)

    async def exit_code(self) -> int:
        """Return the exit code; a command whose container is gone was killed with it."""
        deadline = time.monotonic() + ENDED_SECONDS
        while time.monotonic() < deadline:
            try:
                state = await self._world.in_thread(self._client.exec_inspect, self._id)
            except DockerException:
                return KILLED
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            await asyncio.sleep(0.01)
        return KILLED

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
