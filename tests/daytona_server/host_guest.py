"""The inside of a sandbox without a container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.daytona_server.guest import Guest, Shell
from tests.daytona_server.host_executions import shell

if TYPE_CHECKING:
    from tests.daytona_server.places import Place
    from tests.daytona_server.state import World

POLL_SECONDS = 0.02
CHUNK = 32 * 1024


class HostShell(Shell):
    """One on this host."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__()
        self._process = process
        world.spawn(self._watch())

    async def _watch(self) -> None:
        await self._process.wait()
        self.ended.set()

    async def write(self, text: bytes) -> None:
        assert self._process.stdin is not None
        if self.ended.is_set():
            raise BrokenPipeError
        self._process.stdin.write(text)
        try:
            await self._process.stdin.drain()
        except ConnectionError:
            raise BrokenPipeError from None

    async def terminate(self, grace: float) -> None:
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended.wait(), grace)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self.ended.wait()

    def _signal(self, number: signal.Signals) -> None:
        # Of a group, also when its leader is gone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class HostGuest(Guest):
    """Processes and files of this host."""

    def __init__(self, world: World, place: Place) -> None:
        self._world = world
        self._place = place
        self.folder = str(place.daemon)

    async def open_shell(self) -> Shell:
        process = await self._place.processes.start(
            shell(),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            cwd=self._place.home,
            env=self._place.env,
        )
        return HostShell(self._world, process)

    async def put(self, folder: str, files: dict[str, bytes]) -> None:
        where = Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (where / name).write_bytes(content)

    async def read(self, path: str) -> bytes | None:
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            return None

    async def follow(self, path: str, end: str | None) -> AsyncGenerator[bytes]:
        with Path(path).open("rb") as file:
            while True:
                # Looked at first: what was written before the end is still to come.
                over = end is not None and _has_content(end)
                while data := file.read(CHUNK):
                    yield data
                if over or not Path(path).exists():
                    return
                await asyncio.sleep(POLL_SECONDS)

    async def feed(self, pipe: str, data: bytes) -> bool:
        while not self._world.closing.is_set():
            try:
                descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except FileNotFoundError:
                return False
            except OSError:
                # Nothing reads it yet.
                await asyncio.sleep(POLL_SECONDS)
                continue
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                await self._write(file.fileno(), data)
            return True
        return False

    async def _write(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._world.closing.is_set():
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:
                await asyncio.sleep(POLL_SECONDS)
            except BrokenPipeError:
                return

    async def append(self, path: str, data: bytes) -> None:
        with contextlib.suppress(FileNotFoundError), Path(path).open("ab") as file:
            file.write(data)

    async def remove(self, folder: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)


def _has_content(path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.getsize(path) > 0  # noqa: PTH202
    return False
