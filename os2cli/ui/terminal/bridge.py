"""Carries bytes between a browser's terminal and a shell, no faster than either takes them.

The browser sends what was typed as binary messages and everything else as JSON: its size, and how
many bytes it has shown. What it was sent and has not shown yet stays below ``WINDOW``; the rest is
left in the terminal, where the shell waits with it. What was typed and nobody reads is kept up to
``MAX_TYPED``: whoever would stop to listen to the browser would not notice that it leaves.
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
TOO_MUCH, NO_SENSE = 1009, 1003


async def serve(websocket: WebSocket, command: Sequence[str]) -> None:
    """Run a command in an accepted connection, of the size that its address asks for."""
    given = websocket.query_params
    shell = Shell(command, Size.of(given.get("columns"), given.get("rows")))
    try:
        await Bridge(websocket, shell).run()
    finally:
        await shell.end()


class Bridge:
    """One connection; ``run`` until the shell has ended or the browser is gone."""

    def __init__(self, websocket: WebSocket, shell: Shell) -> None:
        self._websocket = websocket
        self._shell = shell
        self._unseen = 0
        self._seen = anyio.Event()
        self._typed = bytearray()
        self._typing = anyio.Event()

    async def run(self) -> None:
        """Carry both ways."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._from_browser, tasks.cancel_scope)
            tasks.start_soon(self._to_shell)
            try:
                await self._to_browser()
                await self._websocket.send_json({"exit": await self._shell.exit_code()})
                await self._websocket.close()
            except (WebSocketDisconnect, RuntimeError):
                # Gone in the middle of a message: `finally` of our caller ends the shell.
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
                piece = bytes(self._typed[:MAX_MESSAGE_BYTES])
                await self._shell.write(piece)
                del self._typed[: len(piece)]

    async def _from_browser(self, everything: anyio.CancelScope) -> None:
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            why = self._taken(message.get("bytes"), message.get("text") or "")
            if why is not None:
                # The shell may have ended at this very moment, and closed it.
                with suppress(RuntimeError):
                    await self._websocket.close(why)
                break
        everything.cancel()

    def _taken(self, typed: bytes | None, text: str) -> int | None:
        """Take a message; the code to leave with when it is none that the page sends."""
        if len(typed or text) > MAX_MESSAGE_BYTES or len(self._typed) > MAX_TYPED:
            return TOO_MUCH
        if typed is None:
            return None if self._told(text) else NO_SENSE
        self._typed += typed
        self._typing.set()
        return None

    def _told(self, text: str) -> bool:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return False
        return isinstance(told, dict) and self._understood(told)

    def _understood(self, told: dict[str, Any]) -> bool:
        match told:
            case {"columns": int() as columns, "rows": int() as rows}:
                self._shell.resize(Size.of(columns, rows))
            case {"shown": int() as shown} if 0 < shown <= self._unseen:
                self._unseen -= shown
                self._seen.set()
            case _:
                return False
        return True
