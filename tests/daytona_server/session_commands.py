"""The toolbox's sessions, each with the commands that its shell was given."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.daytona_server.session_shell import CODE, INPUT, LOG

if TYPE_CHECKING:
    from tests.daytona_server.guest import Guest, Shell
    from tests.daytona_server.records import SandboxRecord


@dataclass(slots=True, eq=False)
class SessionCommand:
    """A command; without an exit code it is still running, as far as is known."""

    id: str
    command: str
    folder: str
    echoes: bool = True
    exit_code: int | None = None

    @property
    def log(self) -> str:
        """Where its output is, marked."""
        return f"{self.folder}/{LOG}"

    @property
    def code(self) -> str:
        """Where its exit code will be."""
        return f"{self.folder}/{CODE}"

    @property
    def input(self) -> str:
        """The pipe that it reads."""
        return f"{self.folder}/{INPUT}"

    def document(self) -> dict[str, Any]:
        """Return its JSON."""
        code = {} if self.exit_code is None else {"exitCode": self.exit_code}
        return {"id": self.id, "command": self.command, **code}


@dataclass(slots=True, eq=False)
class Session:
    """One shell, which runs its commands one after the other."""

    name: str
    sandbox: SandboxRecord
    guest: Guest
    shell: Shell
    folder: str
    commands: dict[str, SessionCommand] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it was deleted, or its sandbox has stopped."""

    def new_command(self, text: str, *, echoes: bool) -> SessionCommand:
        """Add a command, which does not run yet."""
        id_ = str(uuid.uuid4())
        command = SessionCommand(id_, text, f"{self.folder}/{id_}", echoes)
        self.commands[id_] = command
        return command

    async def look(self, command: SessionCommand) -> SessionCommand:
        """Find out whether a command has ended."""
        if command.exit_code is None:
            text = (await self.guest.read(command.code) or b"").decode()
            command.exit_code = int(text) if text.endswith("\n") else None
        return command

    async def document(self) -> dict[str, Any]:
        """Return its JSON."""
        commands = [(await self.look(command)).document() for command in self.commands.values()]
        return {"sessionId": self.name, "commands": commands}
