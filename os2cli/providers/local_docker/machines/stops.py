"""A stop that was asked for reads as one, with any exit code.

The engine does not tell it from a crash: programs that are stopped while they start exit as failed
ones do. So os2 leaves a mark in the container. Its time is that of the container's end: it means
this end only, and goes with the container. A container whose root is read-only has it in one of its
volumes, which also go with it.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import tidying
from os2cli.providers.local_docker.machines.shapes import items, mapping

_MARK = ".os2-stopped"
_QUIET = "/var/tmp"  # noqa: S108  # in the container
_MAX_CHUNKS = 2


def mark_stop(engine: Engine, container: str) -> None:
    """Remember that the container's last end was asked for."""
    with tidying():
        inspection = engine.client.inspect_container(container)
        ended = _ended(inspection)
        if ended is not None:
            engine.client.put_archive(container, _folder(inspection), _archive(ended))


def was_asked_for(engine: Engine, inspection: Mapping[str, Any]) -> bool:
    """Return whether os2 stopped the container, as far as the engine answers."""
    ended = _ended(inspection)
    if ended is None:
        return False
    with tidying(), suppress(ValueError):
        path = f"{_folder(inspection).rstrip('/')}/{_MARK}"
        chunks, stat = engine.client.get_archive(inspection["Id"], path)
        # To the end, so that the connection is free; a mark is empty.
        for _ in islice(chunks, _MAX_CHUNKS):
            pass
        marked = _time(mapping(stat).get("mtime"))
        # Some file systems, and earlier os2, keep whole seconds.
        return marked in (ended, ended.replace(microsecond=0))
    return False


def _folder(inspection: Mapping[str, Any]) -> str:
    """Return a directory in which the engine puts files, and keeps them while nothing runs."""
    if mapping(inspection, "HostConfig").get("ReadonlyRootfs") is not True:
        return "/"
    volumes = [
        str(mount["Destination"])
        for mount in map(mapping, items(inspection.get("Mounts")))
        if mount.get("Type") == "volume" and mount.get("RW") and mount.get("Destination")
    ]
    # One that its programs do not fill or empty, if there is one.
    return _QUIET if _QUIET in volumes else min(volumes, default="/")


def _ended(inspection: Mapping[str, Any]) -> datetime | None:
    return _time(mapping(inspection, "State").get("FinishedAt"))


def _time(text: object) -> datetime | None:
    """Return a time of the engine: a machine may be started and crash in the second of its stop."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    # Podman writes local time with its offset.
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _archive(ended: datetime) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo(_MARK)
        member.mtime, member.mode = ended.timestamp(), 0o444
        archive.addfile(member)
    return content.getvalue()
