"""Free space where the engine keeps images: a build that runs out of space fails late."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import EngineFacts, SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.providers.local_docker.engine.address import Endpoint

_NAME = "disk"
_GB = 10**9
_WARN_BELOW = 10 * _GB
_PROBLEM_BELOW = 3 * _GB
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def check_disk(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare the free space with the size of the sandbox image and a few machines."""
    try:
        facts = engine.facts()
        folder = _storage(inputs, engine.endpoint, facts)
    except Os2Error:
        return Finding(_NAME, Status.SKIPPED, "the engine does not answer")
    if folder is None:
        what = "the engine's storage is not on this host"
        return Finding(_NAME, Status.SKIPPED, what)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        what = f"cannot read the free space of {folder}: {error.strerror}"
        return Finding(_NAME, Status.SKIPPED, what)
    return judge_free_space(free, folder, facts)


def judge_free_space(free: int, folder: Path, facts: EngineFacts) -> Finding:
    """Return the finding for ``free`` bytes: a warning below 10 GB, a problem below 3 GB."""
    where = f"in {folder}"
    if facts.in_vm:
        where += f", where the disk of {facts.flavour}'s virtual machine grows"
    return judge_bytes(_NAME, free, where)


def judge_bytes(name: str, free: int, where: str) -> Finding:
    """Return the finding of a check for ``free`` bytes at a place."""
    what = f"{free / _GB:.1f} GB free {where}"
    if free >= _WARN_BELOW:
        return Finding(name, Status.OK, what)
    return Finding(
        name,
        Status.PROBLEM if free < _PROBLEM_BELOW else Status.WARNING,
        what,
        "the sandbox image uses about 1 GB, its build about 3 GB",
        Remedy(
            "see what uses the space, and remove what you no longer need", ("docker system df",)
        ),
    )


def _storage(inputs: DoctorInputs, endpoint: Endpoint, facts: EngineFacts) -> Path | None:
    """Return a directory on the engine's file system; None if it is not on this host."""
    host = urlsplit(endpoint.url).hostname
    if endpoint.socket is None and host not in _LOOPBACK:
        return None
    if facts.in_vm:
        return inputs.home
    folder = Path(facts.data_root)
    # A socket may be forwarded or mounted into a container: the host names must agree.
    return folder if facts.data_root and facts.host_name == inputs.host_name else None
