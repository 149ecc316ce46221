"""``os2 machine url``."""

from __future__ import annotations

import shlex
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
        typer.Option("--signed", help="Print a temporary link that opens a private machine."),
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="With --signed: how long it is valid, at most 24h. Default: 1h."
        ),
    ] = None,
    header: Annotated[
        bool,
        typer.Option("--header", help="Print the header for a private machine instead."),
    ] = False,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Print the URL of a port of a machine.

    A private machine on Daytona requires a signed link or a header.
    The header is a secret, and printed only with --header.

    [dim]Examples:[/dim]
      os2 machine url dev-1
      os2 machine url ci --signed --expires 8h
      curl -H "$(os2 machine url ci --header)" "$(os2 machine url ci)/api/health"
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
            f"{name} is private; for a link that opens it: "
            f"os2 machine url {shlex.quote(name)} --signed; for the header to send: --header"
        )


def signed_seconds(*, signed: bool, expires: str | None, header: bool) -> int | None:
    """Return how many seconds the link is valid, None without a link; reject contradictions."""
    if expires is not None and not signed:
        raise UsageError(
            "--expires requires --signed",
            hint=f"add it: os2 machine url NAME --signed --expires {shlex.quote(expires)}",
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
            f"--expires: {expires!r} is not between 1s and 24h",
            hint="write it as --expires 8h",
            code="option_invalid",
        )
    return seconds


def header_of(name: str, address: Address) -> str:
    """Return the header that opens an address."""
    if address.token is None or address.header is None:
        raise UsageError(
            f"machine {name} needs no header",
            hint=f"leave it out: os2 machine url {shlex.quote(name)}",
            code="option_invalid",
        )
    return f"{address.header}: {address.token}"
