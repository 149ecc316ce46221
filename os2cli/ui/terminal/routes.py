"""The page of a terminal, and the WebSocket that it talks to."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from os2cli.errors import Conflict, Os2Error
from os2cli.models import MachineState
from os2cli.ui.extensions import Extension
from os2cli.ui.places import Named, machine_path
from os2cli.ui.site import site_of, threaded
from os2cli.ui.terminal.bridge import serve

MOST_TERMINALS = 12


@dataclass
class Terminals:
    """All that are open; each is a process here and one in its machine."""

    most: int = MOST_TERMINALS
    _open: int = 0

    async def page(self, request: Request) -> Response:
        """The terminal, where there is something to open it in."""
        site, named = site_of(request), Named(request)
        machine = (await threaded(lambda: named.place(site.workplace.session()))).machine
        return await site.show(
            request,
            "terminal/page.html",
            title=f"Terminal of {machine.name}",
            machine=machine,
            socket=machine_path(machine, "/terminal/socket"),
        )

    async def socket(self, websocket: WebSocket) -> None:
        """One shell, from the connection's beginning to its end."""
        await websocket.accept()
        try:
            command = await _command(websocket)
            if self._open >= self.most:
                raise Conflict(
                    f"{self.most} terminals are open", hint="close one of them and reconnect"
                )
        except Os2Error as error:
            await websocket.send_json({"failed": error.message, "hint": error.hint})
            await websocket.close()
            return
        self._open += 1
        try:
            await serve(websocket, command)
        finally:
            self._open -= 1


async def _command(websocket: WebSocket) -> list[str]:
    """What is typed for it on a command line; raises ``Os2Error`` where that would fail."""
    site, named = site_of(websocket), Named(websocket)
    machine = (await threaded(lambda: named.place(site.workplace.session()))).machine
    if machine.state is not MachineState.RUNNING:
        raise Conflict(
            f"machine {machine.name} does not run: it is {machine.state.value}",
            hint=f"os2 machine start {machine.name}",
        )
    words = ["machine", "shell", named.name, f"--type={named.type}"]
    if named.stage:
        words.append(f"--stage={named.stage}")
    if site.workplace.docker_host:
        words.append(f"--docker-host={site.workplace.docker_host}")
    return [sys.executable, "-m", "os2cli", *words]


def terminal_extension() -> Extension:
    """The routes of terminals."""
    terminals = Terminals()
    path = "/machines/{type}/{name}/terminal"
    return Extension(
        routes=(
            Route(path, terminals.page),
            WebSocketRoute(f"{path}/socket", terminals.socket),
        )
    )
