"""A bridge between a browser's terminal and a shell, with flow control in both directions.

The browser sends input as binary messages and everything else as JSON: its size, and how many bytes
it has shown. At most ``WINDOW`` bytes are sent and not yet shown; then the shell must wait. Input
that the shell does not read is buffered up to ``MAX_TYPED``, so that the bridge keeps receiving and
notices when the browser leaves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from os2cli.ui.terminal.shell import Shell, Size

WINDOW = 256 * 1024
MAX_MESSAGE_BYTES = 64 * 1024
MAX_TYPED = 1024 * 1024
TOO_LARGE, INVALID = 1009, 1003


async def serve(websocket: WebSocket, command: Sequence[str]) -> None:
    """Run a command for an accepted connection, in the size that its URL requests."""
    query = websocket.query_params
    shell = Shell(command, Size.of(query.get("columns"), query.get("rows")))
    try:
        await Bridge(websocket, shell).run()
    finally:
        await shell.end()


class Bridge:
    """One connection between a browser and a shell."""

    def __init__(self, websocket: WebSocket, shell: Shell) -> None:
        self._websocket = websocket
        self._shell = shell
        self._unseen = 0
        self._seen = anyio.Event()
        self._typed = bytearray()
        self._typing = anyio.Event()

    async def run(self) -> None:
        """Forward in both directions until the shell ends or the browser leaves."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._from_browser, tasks.cancel_scope)
            tasks.start_soon(self._to_shell)
            try:
                await self._to_browser()
                await self._websocket.send_json({"exit": await self._shell.exit_code()})
                await self._websocket.close()
            except (WebSocketDisconnect, RuntimeError):
                # The browser left mid-message; the caller ends the shell.
                pass
            tasks.cancel_scope.cancel()

    async def _to_browser(self) -> None:
        while output := await self._shell.read():
            while self._unseen >= WINDOW:
                self._seen = anyio.Event()
                await self._seen.wait()
            self._unseen += len(output)
            await self._websocket.send_bytes(output)

    async def _to_shell(self) -> None:
        while True:
            await self._typing.wait()
            self._typing = anyio.Event()
            while self._typed:
                chunk = bytes(self._typed[:MAX_MESSAGE_BYTES])
                await self._shell.write(chunk)
                del self._typed[: len(chunk)]

    async def _from_browser(self, everything: anyio.CancelScope) -> None:
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            code = self._accept(message.get("bytes"), message.get("text") or "")
            if code is not None:
                # The shell may have ended just now and closed the connection.
                with suppress(RuntimeError):
                    await self._websocket.close(code)
                break
        everything.cancel()

    def _accept(self, typed: bytes | None, text: str) -> int | None:
        """Handle a message; return the close code if it is invalid."""
        if len(typed or text) > MAX_MESSAGE_BYTES or len(self._typed) > MAX_TYPED:
            return TOO_LARGE
        if typed is None:
            return None if self._control(text) else INVALID
        self._typed += typed
        self._typing.set()
        return None

    def _control(self, text: str) -> bool:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return False
        return isinstance(message, dict) and self._apply(message)

    def _apply(self, message: dict[str, Any]) -> bool:
        match message:
            case {"columns": int() as columns, "rows": int() as rows}:
                self._shell.resize(Size.of(columns, rows))
            case {"shown": int() as shown} if 0 < shown <= self._unseen:
                self._unseen -= shown
                self._seen.set()
            case _:
                return False
        return True
