"""The copy of a working tree in a machine's volume, sent before a start.

No directory of this host is mounted: what git ignores would be in it. The volume has the files that
the host lists, and the list; the machine's entry compares both with its own copy. A start by the
engine alone finds the files of the last start by os2.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from docker.errors import NotFound

from os2cli.core.deadline import within
from os2cli.core.errors import OperationFailed, Os2Error, UsageError
from os2cli.core.models import Machine, MachineSpec, MachineState
from os2cli.host.interrupts import BackgroundCall
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.snapshots.context import collect_mounted
from os2cli.snapshots.context.entries import FILE_CHANGED
from os2cli.snapshots.context.mounted import unfinished

REPOSITORY_MOUNT = "/mnt/repo"
# The time for a tree of any size, and for the bytes in it.
SEND_SECONDS, SLOWEST_BYTES = 120.0, 1_000_000
# Of a create, which does not know the size yet.
MOUNT_SECONDS = 3600.0
# No tree has a file below `.git`. The same name is in sandbox/entry/mount-files.ts.
_LIST = ".git/os2-files"
MAX_LIST_BYTES = 512 * 1024 * 1024
# Their files are in use.
_WITHOUT_START = (MachineState.RUNNING, MachineState.PAUSED)
# A tree that changes while it is sent is sent again.
_ATTEMPTS = 3


def mount_labels(spec: MachineSpec) -> dict[str, str]:
    """Return the labels from which a start knows what to send; a path may have any bytes."""
    if spec.mount_repo is None:
        return {}
    secrets = {labels.MOUNT_SECRETS: "1"} if spec.mount_secrets else {}
    return {labels.MOUNT: quote(os.fsencode(spec.mount_repo)), **secrets}


def send_new(engine: Engine, container: str, root: Path) -> None:
    """Send a tree that was checked for secrets to a container that has not started.

    Raises:
        OperationFailed: the tree kept changing, or cannot be read.
        UsageError: git cannot list it, or a file may not be read.
    """
    _try_often(lambda: _send_changes(engine, container, root, b"", secrets=True))


def update_before_start(engine: Engine, machine: Machine) -> None:
    """Send what changed to a machine that a start will start; a signal ends the wait at once."""
    if machine.has_mount and machine.state not in _WITHOUT_START:
        with engine.errors(f"sending files to machine {machine.name}"):
            BackgroundCall(lambda: update(engine, machine.id)).answer()


def update(engine: Engine, container: str) -> None:
    """Send what changed since the last start; files that cannot be read do not prevent a start.

    The machine then keeps those that it has, and its log says why. Files that look like secrets now
    stay here unless the machine was created with them.
    """
    marks = engine.client.inspect_container(container)["Config"]["Labels"]
    root = Path(os.fsdecode(unquote_to_bytes(marks[labels.MOUNT])))
    known, secrets = _read_list(engine, container), labels.MOUNT_SECRETS in marks
    try:
        _try_often(lambda: _send_changes(engine, container, root, known, secrets=secrets))
    except Os2Error as error:
        _write_list(engine, container, unfinished(error.message))


def _try_often(send: Callable[[], None]) -> None:
    """Send a tree again that changed while it was sent, a few times."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            send()
        except OperationFailed as error:
            if error.code != FILE_CHANGED or attempt == _ATTEMPTS:
                raise
        else:
            return


def _send_changes(
    engine: Engine, container: str, root: Path, known: bytes, *, secrets: bool
) -> None:
    tree = collect_mounted(root)
    if known and not tree.entries:
        # Such as the directory of a disk that is not mounted now.
        raise UsageError(f"{root} is empty", hint="restart the machine when its files are back")
    sent = tree.changed_since(known).readable()
    sent = sent if secrets else sent.without_secrets()
    listing = tree.listing(sent, known)
    if listing == known:
        return
    _write_list(engine, container, unfinished())
    with within(SEND_SECONDS + sent.size_bytes / SLOWEST_BYTES):
        engine.client.send_files(container, REPOSITORY_MOUNT, sent.stream())
    _write_list(engine, container, listing)


def _write_list(engine: Engine, container: str, content: bytes) -> None:
    with within(SEND_SECONDS + len(content) / SLOWEST_BYTES):
        engine.client.send_files(container, REPOSITORY_MOUNT, packed_file(_LIST, content))


def packed_file(path: str, content: bytes) -> Iterator[bytes]:
    """Yield a tar with a file, and with the directory of it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        if above := path.rpartition("/")[0]:
            folder = tarfile.TarInfo(above)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), 0o644
        archive.addfile(member, io.BytesIO(content))
    yield packed.getvalue()


def _read_list(engine: Engine, container: str) -> bytes:
    """Return the list of the last start; nothing if there is none, or one that is unfinished."""
    try:
        stream, _ = engine.client.get_archive(container, f"{REPOSITORY_MOUNT}/{_LIST}")
    except NotFound:
        return b""
    packed = io.BytesIO()
    for chunk in stream:
        packed.write(chunk)
        if packed.tell() > MAX_LIST_BYTES:
            return b""
    packed.seek(0)
    try:
        with tarfile.open(fileobj=packed, mode="r:") as archive:
            member = next(iter(archive), None)
            content = archive.extractfile(member) if member and member.isreg() else None
            return content.read() if content else b""
    except (tarfile.TarError, EOFError, ValueError):
        return b""
