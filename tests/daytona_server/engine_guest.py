"""The inside of a container, reached by commands in it: an image may hold no more than a shell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tests.daytona_server.engine_executions import MARK, EngineExecution, start
from tests.daytona_server.errors import ApiError
from tests.daytona_server.executions import Order, Outcome, finish, once
from tests.daytona_server.guest import Guest, Shell
from tests.daytona_server.toolbox_errors import internal

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

_SHELL = f"""
echo $$
unset {MARK}
exec "$(command -v bash || echo sh)" > /dev/null 2>&1
"""
_TERMINATE = """
kill -s TERM -- "-$1" 2>/dev/null
for step in $(seq "$2"); do kill -0 "$1" 2>/dev/null || exit 0; sleep 0.1; done
kill -s KILL -- "-$1" 2>/dev/null
exit 0
"""
_PUT = 'mkdir -p -- "$1" && cat > "$1/$2"'
_READ = 'test -e "$1" || exit 66; cat -- "$1"'
# An open file keeps its place, so that each round goes on from there.
_FOLLOW = """
exec 3< "$1" || exit
while :; do
    over=no; test -n "$2" && test -s "$2" && over=yes
    cat <&3
    test $over = no && test -e "$1" || exit
    sleep 0.05
done
"""
_FEED = 'test -p "$1" || exit 66; cat > "$1"'
_APPEND = 'cat >> "$1"'
_MISSING = 66


class EngineShell(Shell):
    """One in a container; leader of a group, as all that the engine starts."""

    def __init__(self, guest: EngineGuest, execution: EngineExecution, pid: str) -> None:
        super().__init__()
        self._guest = guest
        self._execution = execution
        self._pid = pid
        guest.world.spawn(self._watch())

    async def _watch(self) -> None:
        async for _ in self._execution.output():
            pass
        await self._execution.exit_code()
        await self._execution.close()
        self.ended.set()

    async def write(self, text: bytes) -> None:
        if self.ended.is_set():
            raise BrokenPipeError
        await self._execution.write(text)

    async def terminate(self, grace: float) -> None:
        await self._guest.run(_TERMINATE, self._pid, str(round(grace * 10)))
        await self.ended.wait()


class EngineGuest(Guest):
    """The inside of one container."""

    folder = "/tmp/.daytona"

    def __init__(self, world: World, sandbox: SandboxRecord) -> None:
        self.world = world
        self._sandbox = sandbox

    async def open_shell(self) -> Shell:
        execution = await self._start(_SHELL, reads=True)
        pid = b""
        async for _, data in execution.output():
            pid += data
            if pid.endswith(b"\n"):
                return EngineShell(self, execution, pid.decode().strip())
        raise internal("the shell did not start")

    async def put(self, folder: str, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            await self.run(_PUT, folder, name, content=content)

    async def read(self, path: str) -> bytes | None:
        done = await self.run(_READ, path)
        return None if done.code == _MISSING else done.stdout

    async def follow(self, path: str, end: str | None) -> AsyncGenerator[bytes]:
        execution = await self._start(_FOLLOW, path, end or "")
        try:
            async for error, data in execution.output():
                if not error:
                    yield data
        finally:
            await asyncio.shield(self._leave(execution))

    async def _leave(self, execution: EngineExecution) -> None:
        with contextlib.suppress(ApiError):
            await execution.signal("KILL")
        await execution.close()

    async def feed(self, pipe: str, data: bytes) -> bool:
        return (await self.run(_FEED, pipe, content=data)).code != _MISSING

    async def append(self, path: str, data: bytes) -> None:
        await self.run(_APPEND, path, content=data)

    async def remove(self, folder: str) -> None:
        await self.run('rm -rf -- "$1"', folder)

    async def run(self, script: str, *arguments: str, content: bytes | None = None) -> Outcome:
        """Run a script to its end."""
        reads = content is not None
        execution = await self._start(script, *arguments, reads=reads)
        return await finish(execution, once(content), reads=reads)

    async def _start(self, script: str, *arguments: str, reads: bool = False) -> EngineExecution:
        return await start(
            self.world, self._sandbox, Order(script, reads=reads, arguments=arguments)
        )
