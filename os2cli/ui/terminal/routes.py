"""The page of a terminal, and the WebSocket that it talks to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from os2cli.core.errors import Conflict, Os2Error
from os2cli.core.models import MachineState
from os2cli.ui.addresses import MachineRef, machine_path
from os2cli.ui.extensions import Extension
from os2cli.ui.site import site_of, threaded
from os2cli.ui.terminal.bridge import serve

MAX_TERMINALS = 12


@dataclass
class Places:
    """For so many terminals at once: each is a process here, and one in its machine."""

    most: int
    taken: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take one while inside; raises ``Conflict`` when there is none."""
        if self.taken >= self.most:
            raise Conflict(
                f"{self.most} terminals are open",
                hint="close one of them and reconnect",
                code="too_many_terminals",
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def page(request: Request) -> Response:
    """The terminal of a machine."""
    site, ref = site_of(request), MachineRef(request)
    machine = (await threaded(lambda: ref.locate(site.context.session()))).machine
    return await site.show(
        request,
        "terminal/page.html",
        title=f"Terminal of {machine.name}",
        machine=machine,
        socket=machine_path(machine, "/terminal/socket"),
    )


async def socket(places: Places, websocket: WebSocket) -> None:
    """One shell, from the connection's beginning to its end."""
    await websocket.accept()
    try:
        with places.one():
            await serve(websocket, await _command(websocket))
    except Os2Error as error:
        await websocket.send_json({"failed": error.message, "hint": error.hint})
        await websocket.close()


async def _command(websocket: WebSocket) -> list[str]:
    """What is typed for it on a command line; raises ``Os2Error`` where that would fail."""
    site, ref = site_of(websocket), MachineRef(websocket)
    machine = (await threaded(lambda: ref.locate(site.context.session()))).machine
    if machine.state is not MachineState.RUNNING:
        raise Conflict(
            f"machine {machine.name} does not run: it is {machine.state.value}",
            hint=f"os2 machine start {machine.name}",
            code="machine_not_running",
        )
    words = ["machine", "shell", ref.name, f"--type={ref.type}"]
    if ref.stage:
        words.append(f"--stage={ref.stage}")
    if site.context.docker_host:
        words.append(f"--docker-host={site.context.docker_host}")
    return [sys.executable, "-m", "os2cli", *words]


def terminal_extension(most: int = MAX_TERMINALS) -> Extension:
    """The routes of terminals."""
    path = "/machines/{type}/{name}/terminal"
    answer = partial(socket, Places(most))
    return Extension(routes=(Route(path, page), WebSocketRoute(f"{path}/socket", answer)))
