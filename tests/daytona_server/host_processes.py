"""Processes of this host that a server started, whose pipes are closed with it."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.serving import settled

CHUNK = 64 * 1024


class HostProcesses:
    """Those of one server, all of one event loop."""

    def __init__(self) -> None:
        self._transports: list[asyncio.SubprocessTransport] = []

    async def start(
        self, *arguments: str, cwd: str | Path, env: Mapping[str, str], **streams: Any
    ) -> Process:
        """Start one in a session of its own."""
        loop = asyncio.get_running_loop()
        # What ``create_subprocess_exec`` returns cannot be closed.
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=CHUNK, loop=loop),
            *arguments,
            cwd=cwd,
            env=env,
            start_new_session=True,
            **streams,
        )
        self._transports.append(transport)
        return Process(transport, protocol, loop)

    async def close(self) -> None:
        """Close the pipes of all: what they started may keep them open."""
        for transport in self._transports:
            transport.close()
        await settled()
