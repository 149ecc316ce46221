"""What the entry point of a container writes, as the sandbox's log has it: marked lines."""

from __future__ import annotations

import contextlib
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tests.daytona_server.engine_executions import STDERR_STREAM, connect_to
from tests.daytona_server.session_shell import STDERR, STDOUT

if TYPE_CHECKING:
    from tests.daytona_server.containers import Containers
    from tests.daytona_server.records import SandboxRecord


class Labeller:
    """Puts the mark of its stream in front of each line, as soon as it is complete."""

    def __init__(self) -> None:
        self._partial: dict[bytes, bytes] = {}

    def label(self, mark: bytes, data: bytes) -> bytes:
        """Return the lines that ``data`` completes."""
        *lines, rest = (self._partial.get(mark, b"") + data).split(b"\n")
        self._partial[mark] = rest
        return b"".join(mark + line + b"\n" for line in lines)


async def entrypoint_lines(
    engine: Containers, sandbox: SandboxRecord, *, follow: bool
) -> AsyncGenerator[bytes]:
    """Yield the log of a container so far; with ``follow`` also what comes until it stops."""
    if sandbox.container is None:
        return
    reader, writer = await connect_to(engine)
    labeller = Labeller()
    try:
        await _ask(engine, sandbox, reader, writer, follow=follow)
        # One byte says which stream, the last four how much comes of it.
        with contextlib.suppress(IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(8)
                data = await reader.readexactly(int.from_bytes(head[4:], "big"))
                yield labeller.label(STDERR if head[0] == STDERR_STREAM else STDOUT, data)
    finally:
        writer.close()


async def _ask(
    engine: Containers,
    sandbox: SandboxRecord,
    reader: StreamReader,
    writer: StreamWriter,
    *,
    follow: bool,
) -> None:
    query = f"stdout=1&stderr=1&follow={int(follow)}"
    path = f"/v{engine.client.api_version}/containers/{sandbox.container}/logs?{query}"
    # In HTTP 1.0, so that the body is not in chunks.
    writer.write(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
