"""The terminal page and its WebSocket."""

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
from os2cli.machines.next_steps import not_running
from os2cli.ui.addresses import MachineRef, machine_path
from os2cli.ui.extensions import Extension
from os2cli.ui.site import site_of, threaded
from os2cli.ui.terminal.bridge import serve

MAX_TERMINALS = 12


@dataclass
class Slots:
    """Slots for terminals: each terminal is a process here and one in its machine."""

    limit: int
    taken: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot while in the block; raises ``Conflict`` if none is free."""
        if self.taken >= self.limit:
            raise Conflict(
                f"too many open terminals: {self.limit}",
                hint="close one and reconnect",
                code="too_many_terminals",
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def page(request: Request) -> Response:
    """Show the terminal of a machine."""
    site, ref = site_of(request), MachineRef(request)
    machine = (await threaded(lambda: ref.locate(site.context.session()))).machine
    return await site.show(
        request,
        "terminal/page.html",
        title=f"Terminal of {machine.name}",
        machine=machine,
        socket=f"{site.base}{machine_path(machine, '/terminal/socket')}",
    )


async def socket(slots: Slots, websocket: WebSocket) -> None:
    """Run one shell for the duration of a connection."""
    await websocket.accept()
    try:
        with slots.one():
            await serve(websocket, await _command(websocket))
    except Os2Error as error:
        await websocket.send_json({"failed": error.message, "hint": error.hint})
        await websocket.close()


async def _command(websocket: WebSocket) -> list[str]:
    """Return the command that opens the shell; raises ``Os2Error`` if it would fail."""
    site, ref = site_of(websocket), MachineRef(websocket)
    machine = (await threaded(lambda: ref.locate(site.context.session()))).machine
    if machine.state is not MachineState.RUNNING:
        raise not_running(machine)
    words = ["machine", "shell", ref.name, f"--type={ref.type}"]
    if ref.stage:
        words.append(f"--stage={ref.stage}")
    if site.context.docker_host:
        words.append(f"--docker-host={site.context.docker_host}")
    return [sys.executable, "-m", "os2cli", *words]


def terminal_extension(limit: int = MAX_TERMINALS) -> Extension:
    """Create the extension with the terminal's routes."""
    path = "/machines/{type}/{name}/terminal"
    endpoint = partial(socket, Slots(limit))
    return Extension(routes=(Route(path, page), WebSocketRoute(f"{path}/socket", endpoint)))
