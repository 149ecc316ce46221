"""``os2 machine open``."""

from __future__ import annotations

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.commands.machine._ports import Port
from os2cli.core.defaults import DAEMON_PORT, SIGNED_LINK_SECONDS
from os2cli.output.documents.executions import AddressDocument


def open_(
    ctx: typer.Context,
    name: options.ExistingMachine,
    port: Port = DAEMON_PORT,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Open a machine in the browser, using a signed link if it is private.

    [dim]Examples:[/dim]
      os2 machine open dev-1
      os2 machine open reviews --port 3002
    """
    session = Session.start(ctx, docker_host)
    place = find_one(session, name, type_, stage)
    address = place.provider.reach(place.machine, port)

    def show_address() -> None:
        session.output.result(
            AddressDocument.of(name, port, address, signed=False, header=None),
            lambda: session.output.line(address.url),
            names=[address.url],
        )

    # It imports an HTTP server, and ``os2 machine --help`` imports this module.
    from os2cli.host import browser, secret_page

    # A person can open it by hand if no browser starts; a program gets one document in any case.
    if not session.output.invocation.json:
        show_address()
    if address.token and not place.machine.public:
        signed = place.provider.reach(place.machine, port, SIGNED_LINK_SECONDS)
        secret_page.open_secret_page(signed.url, session.settings.home, session.settings.state_dir)
    else:
        browser.open_page(address.url)
    if session.output.invocation.json:
        show_address()
