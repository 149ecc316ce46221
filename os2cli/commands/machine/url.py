"""``os2 machine url``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.commands.machine._ports import Port
from os2cli.core.defaults import DAEMON_PORT, SIGNED_LINK_SECONDS
from os2cli.core.errors import UsageError
from os2cli.core.models import Address
from os2cli.core.option_rules import reject_both
from os2cli.core.parsing import parse_duration
from os2cli.output.documents.executions import AddressDocument

MAX_SECONDS = 24 * 3600


def url(
    ctx: typer.Context,
    name: options.ExistingMachine,
    port: Port = DAEMON_PORT,
    signed: Annotated[
        bool,
        typer.Option("--signed", help="An address that opens a private machine, for a while."),
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="With --signed: for how long. Default: 1h; at most 24h."),
    ] = None,
    header: Annotated[
        bool,
        typer.Option("--header", help="Print the header that opens a private machine instead."),
    ] = False,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Print where a port of a machine is reached.

    A private machine on Daytona wants a header (a secret: it is printed only when asked for), or a
    signed address.

    [dim]Examples:[/dim]
      os2 machine url dev-1
      os2 machine url reviews --signed --expires 8h
      curl -H "$(os2 machine url reviews --header)" "$(os2 machine url reviews)/api/health"
    """
    seconds = signed_seconds(signed=signed, expires=expires, header=header)
    session = Session.start(ctx, docker_host)
    place = find_one(session, name, type_, stage)
    address = place.provider.reach(place.machine, port, seconds)
    line = header_of(name, address) if header else None

    shown = line or address.url
    session.output.result(
        AddressDocument.of(name, port, address, signed=signed, header=line),
        lambda: session.output.line(shown),
        names=[shown],
    )
    if address.token and not (header or place.machine.public):
        session.output.note(
            f"it is private: os2 machine url {name} --signed prints an address that opens it, "
            "--header the header to send"
        )


def signed_seconds(*, signed: bool, expires: str | None, header: bool) -> int | None:
    """For how long a signed address is wanted, None: none is; refuses what contradicts itself."""
    if expires is not None and not signed:
        raise UsageError(
            "--expires is for an address with --signed",
            hint=f"os2 machine url NAME --signed --expires {expires}",
            code="option_invalid",
        )
    reject_both("--signed", signed, "--header", header, reason="a signed address needs no header")
    if not signed:
        return None
    seconds = SIGNED_LINK_SECONDS
    if expires is not None:
        seconds = int(parse_duration(expires, "--expires").total_seconds())
    if not 1 <= seconds <= MAX_SECONDS:
        raise UsageError(
            f"--expires {expires!r} is not between 1s and 24h",
            hint="write it as --expires 8h",
            code="option_invalid",
        )
    return seconds


def header_of(name: str, address: Address) -> str:
    """The header that opens an address."""
    if address.token is None or address.header is None:
        raise UsageError(
            f"machine {name} needs no header",
            hint=f"os2 machine url {name} is enough",
            code="option_invalid",
        )
    return f"{address.header}: {address.token}"
