"""What a machine uses, on its page: read again and again while the page is visible."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from os2cli.core.errors import Os2Error
from os2cli.core.models import Machine
from os2cli.machines.usage import Reading, read_usage, with_memory_kills
from os2cli.output.views.usage import usage_row
from os2cli.ui.addresses import MachineRef
from os2cli.ui.site import Site, site_of, threaded

TITLES = ("CPU", "Memory", "Processes", "Disk")


async def show_usage(request: Request) -> Response:
    """Show what the machine uses; a machine that does not run uses nothing."""
    site, ref = site_of(request), MachineRef(request)
    machine, reading = await threaded(_read, site, ref)
    _, *cells, _ = usage_row(reading)
    return site.part(
        "machine/usage.html",
        machine=machine,
        error=reading.error,
        cells=list(zip(TITLES, cells, strict=True)),
    )


def _read(site: Site, ref: MachineRef) -> tuple[Machine | None, Reading]:
    try:
        place = ref.locate(site.context.session())
    except Os2Error as error:
        return None, Reading(ref.name, error=error)
    (reading,) = read_usage([place], disk=True)
    return with_memory_kills(place.provider, place.machine), reading
