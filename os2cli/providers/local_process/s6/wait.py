"""``s6-svwait [-u|-U|-d|-D] [-a|-o] [-t MILLISECONDS] FOLDER…``: wait for services."""

from __future__ import annotations

import getopt
import time

from os2cli.providers.local_process.s6.folders import ServiceFolder
from os2cli.providers.local_process.s6.status import Status, ask_status

POLL_SECONDS = 0.1
TIMED_OUT = 99


def main(arguments: list[str]) -> int:
    """Wait for the services; without ``-t`` there is no limit."""
    options, folders = getopt.gnu_getopt(arguments, "uUdDrRaot:")
    flags = {name for name, _ in options}
    limit = next((int(value) / 1000 for name, value in options if name == "-t" and value != "0"), 0)
    deadline = time.monotonic() + limit if limit else float("inf")
    services = [ServiceFolder.named(folder) for folder in folders]
    enough = any if "-o" in flags else all
    while not enough(_has_state(_status(service), flags) for service in services):
        if time.monotonic() >= deadline:
            return TIMED_OUT
        time.sleep(POLL_SECONDS)
    return 0


def _status(service: ServiceFolder) -> Status | None:
    try:
        return ask_status(service)
    except OSError:
        return None  # supervisor may be about to start


def _has_state(status: Status | None, flags: set[str]) -> bool:
    if status is None:
        return False
    if flags & {"-d", "-D"}:
        return not status.up
    return status.ready if "-U" in flags else status.up
