"""The way into sandboxes over SSH: a token is the user's name, and the whole login."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncssh

from tests.daytona_server.connections import HOST
from tests.daytona_server.errors import ApiError
from tests.daytona_server.executions import Execution, Order, Terminal, finish, launch

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

CHUNK = 64 * 1024
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(slots=True, eq=False)
class SshSession:
    """A shell, or a command, that a client ran over SSH."""

    sandbox_id: str
    command: str | None
    terminal: Terminal | None
    """The one that was asked for, in its latest size."""
    open: bool = True
    exit_code: int | None = None


class SshGateway:
    """Listens from the first question for its port on, to the end of the server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.connections: set[asyncssh.SSHServerConnection] = set()

    @property
    def host_key(self) -> str:
        """The public key that it shows: kind and key, as in a file of known hosts."""
        return self._key.export_public_key("openssh").decode().strip()

    async def port(self) -> int:
        """Where on loopback it listens."""
        async with self._starting:
            if self._acceptor is None:
                self._acceptor = await asyncssh.create_server(
                    lambda: _Door(self._world, self),
                    HOST,
                    0,
                    server_host_keys=[self._key],
                    process_factory=self._run,
                    encoding=None,
                    line_editor=False,
                    agent_forwarding=False,
                )
        return int(self._acceptor.get_port())

    async def close(self) -> None:
        """Stop listening and end every connection, with what runs on it."""
        if self._acceptor is None:
            return
        self._acceptor.close()
        await self._acceptor.wait_closed()
        for connection in list(self.connections):
            connection.abort()
            await connection.wait_closed()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """One shell or command, from its start to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if process.subsystem:
            process.exit(1)
            return
        sandbox = sandbox_of(self._world, process.get_extra_info("username"))
        if sandbox is None:
            process.exit(1)
            return
        await _Session(self._world, sandbox, process).run()


def sandbox_of(world: World, token: str) -> SandboxRecord | None:
    """Return the sandbox that a token opens now; it must be running."""
    for sandbox in world.sandboxes:
        if token in sandbox.ssh_tokens and sandbox.state == "started":
            expires = sandbox.ssh_expires
            return sandbox if expires is not None and world.now() < expires else None
    return None


class _Door(asyncssh.SSHServer):
    """Lets in who has a token of a sandbox that runs, without a password."""

    def __init__(self, world: World, gateway: SshGateway) -> None:
        self._world = world
        self._gateway = gateway
        self._connection: asyncssh.SSHServerConnection | None = None
        self._sandbox: SandboxRecord | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._gateway.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        assert self._connection is not None
        self._gateway.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Ask for no more than a name: a wrong one ends the connection right after."""
        self._sandbox = sandbox_of(self._world, username)
        return False

    def auth_completed(self) -> None:
        """Hang up on invalid tokens without a message, as the real gateway does."""
        if self._sandbox is None:
            self._world.ssh_refused += 1
            assert self._connection is not None
            self._connection.abort()
        else:
            self._world.ssh_logins += 1

    def connection_requested(
        self,
        dest_host: str,
        dest_port: int,
        orig_host: str,  # noqa: ARG002
        orig_port: int,  # noqa: ARG002
    ) -> Any:
        """Forward to a port of the container, when it is one that is published."""
        port = self._sandbox.ports.get(dest_port) if self._sandbox is not None else None
        if dest_host not in _LOCAL or port is None or self._connection is None:
            return False
        return self._connection.forward_connection(HOST, port)


class _Session:
    """One shell or command, between the client and the sandbox."""

    def __init__(
        self, world: World, sandbox: SandboxRecord, process: asyncssh.SSHServerProcess[bytes]
    ) -> None:
        self._world = world
        self._sandbox = sandbox
        self._process = process
        asked = None
        if process.term_type is not None:
            columns, rows, *_ = process.term_size
            asked = Terminal(process.term_type, columns or 80, rows or 24)
        self._asked = asked is not None
        # Daytona gives no terminal to a command, even if requested.
        given = asked if process.command is None or world.ssh_like_openssh else None
        self._order = Order(process.command, terminal=given, reads=True)
        self._record = SshSession(sandbox.id, process.command, asked)
        world.ssh_sessions.append(self._record)

    async def run(self) -> None:
        """Run it to its end, or until the client goes."""
        try:
            execution = await launch(self._world, self._sandbox, self._order)
        except ApiError as error:
            self._process.stderr.write(f"{error.message}\r\n".encode())
            self._process.exit(1)
            self._record.open = False
            return
        feeding = asyncio.create_task(self._feed(execution))
        passing = asyncio.create_task(self._pass_on(execution))
        gone = asyncio.create_task(self._process.channel.wait_closed())
        try:
            await asyncio.wait([passing, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = [task for task in (feeding, passing, gone) if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(feeding, passing, gone, return_exceptions=True)
            self._record.open = False
            self._world.spawn(self._leave(execution))

    async def _pass_on(self, execution: Execution) -> None:
        async for error, data in execution.output():
            stream = self._process.stderr if error else self._process.stdout
            # For who asked for a terminal, as if one had written it.
            lone = not error and self._asked and self._order.terminal is None
            stream.write(data.replace(b"\n", b"\r\n") if lone else data)
            await stream.drain()
        code = self._record.exit_code = await execution.exit_code()
        # Daytona does not say how a shell in a terminal ended.
        tells = self._order.terminal is None or self._world.ssh_like_openssh
        self._process.exit(code if tells else 0)

    async def _feed(self, execution: Execution) -> None:
        """Pass on what the client sends: input, its end, signals and sizes."""
        while True:
            try:
                data = await self._process.stdin.read(CHUNK)
            except asyncssh.TerminalSizeChanged as changed:
                await self._resize(execution, changed.width, changed.height)
            except asyncssh.SignalReceived as received:
                await execution.signal(received.signal)
            except asyncssh.BreakReceived:
                await execution.signal("INT")
            except (asyncssh.Error, OSError):
                return
            else:
                if not data:
                    await execution.end_input()
                    return
                await execution.write(data)

    async def _resize(self, execution: Execution, columns: int, rows: int) -> None:
        if self._record.terminal is not None:
            self._record.terminal = Terminal(self._record.terminal.kind, columns, rows)
        if self._order.terminal is not None:
            await execution.resize(columns, rows)

    async def _leave(self, execution: Execution) -> None:
        """End a shell with its terminal; a command without one continues."""
        if self._record.exit_code is None and not self._world.closing.is_set():
            if self._order.terminal is not None:
                await execution.signal("HUP")
            else:
                await execution.end_input()
                await finish(execution)
                return
        with contextlib.suppress(OSError):
            await execution.close()
