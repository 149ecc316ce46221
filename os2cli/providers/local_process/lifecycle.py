"""Starting, stopping and removing a machine's processes."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.host.ports import is_free, loopback_addresses
from os2cli.providers.local_process.environment import environment, prepare_home, tool
from os2cli.providers.local_process.node import Node
from os2cli.providers.local_process.processes import end_folder, end_machine, identify
from os2cli.providers.local_process.record import Phase, ProcessId, Record
from os2cli.providers.local_process.records import MachineFolder, Records
from os2cli.providers.loopback import LOOPBACK, port_conflict

STOP_SECONDS = 3.0
BOOT_SECONDS = 30.0
PRIVATE_UMASK = 0o077
# A Unix socket's path may have 104 bytes on macOS and 108 on Linux; supervisor appends its process
# id while it creates the socket.
SOCKET_PATH_BYTES = 90
SOCKET = "supervisor.sock"
_ELSEWHERE = "os2-"


def start(records: Records, record: Record, node: Node) -> Record:
    """Start the machine's processes, after ending those of an earlier start."""
    folder = records.folder(record.name)
    _end(record, folder, 0)
    if not is_free(record.port):
        raise port_conflict(record.port, None, record.name)
    _remove_sockets(folder, record.socket)
    try:
        record = replace(record, socket=str(_socket(folder)), addresses=_addresses())
        prepare_home(record, folder, node)
        # Saved before a process exists that another os2 may need to find.
        records.save(record)
        first, logger = _boot(record, folder)
        return records.save(replace(record, phase=Phase.STARTED, first=first, logger=logger))
    except BaseException:
        end_machine(record, folder.path, 0)
        _remove_sockets(folder, record.socket)
        raise


def _addresses() -> tuple[str, ...]:
    """Return where the machine's page is: on all loopback addresses, as any other's user would be.

    The one that is asked for its health is the last: what answers there is the machine on all.
    """
    return tuple(sorted(loopback_addresses(), key=lambda address: address == LOOPBACK))


def stop(records: Records, record: Record, seconds: float) -> Record:
    """End all of the machine's processes; raises ``TimedOut`` if one does not end."""
    folder = records.folder(record.name)
    _end(record, folder, min(seconds, STOP_SECONDS))
    _remove_sockets(folder, record.socket)
    return records.save(replace(record, phase=Phase.STOPPED, first=None, logger=None))


def remove(records: Records, record: Record, seconds: float) -> None:
    """End all of the machine's processes and remove its files."""
    folder = records.folder(record.name)
    _end(record, folder, min(seconds, STOP_SECONDS))
    _remove_sockets(folder, record.socket)
    _forget(records, record.name)


def remove_damaged(records: Records, name: str) -> None:
    """Do the same without a record: what the machine's processes know of it is enough."""
    folder = records.folder(name)
    _none_left(name, end_folder(folder.path))
    _remove_sockets(folder)
    _forget(records, name)


def _forget(records: Records, name: str) -> None:
    left = records.forget(name)
    if left is not None:
        raise OperationFailed(
            f"cannot remove the files of machine {name}: {left}",
            hint=f"remove it as a user with permission: rm -r {shlex.quote(str(left))}",
            code="files_left",
        )


def _end(record: Record, folder: MachineFolder, seconds: float) -> None:
    _none_left(record.name, end_machine(record, folder.path, seconds))


def _none_left(name: str, left: list[int]) -> None:
    if left:
        raise TimedOut(
            f"machine {name} still has processes: {', '.join(map(str, left))}",
            hint=f"they may wait for a disk or a device: ps -p {','.join(map(str, left))}",
            code="processes_left",
        )


def _boot(record: Record, folder: MachineFolder) -> tuple[ProcessId, ProcessId]:
    main = str(Path(record.sandbox) / "bin" / "start-machine")
    done = subprocess.run(
        [*tool("os2-boot"), str(folder.logs), "/bin/sh", main],
        env=environment(record, folder),
        cwd=folder.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOOT_SECONDS,
        check=False,
        # The user's own may let others write what services log.
        umask=PRIVATE_UMASK,
    )
    if done.returncode != 0:
        raise OperationFailed(
            f"cannot start machine {record.name}: {done.stderr.strip() or done.returncode}",
            hint="check this host's limits of processes and disk space: ulimit -a",
            code="start_failed",
        )
    pids = json.loads(done.stdout)
    return identify(pids["first"]), identify(pids["logger"])


def _socket(folder: MachineFolder) -> Path:
    """Return the socket's path: in the machine's directory or, if too deep, a private one."""
    path = folder.path / SOCKET
    if len(bytes(path)) <= SOCKET_PATH_BYTES:
        return path
    for parent in _temporary_folders():
        elsewhere = _deep_socket(folder, parent)
        if len(bytes(elsewhere)) <= SOCKET_PATH_BYTES and _is_private(elsewhere.parent):
            return elsewhere
    return path


def _temporary_folders() -> tuple[Path, ...]:
    return Path(tempfile.gettempdir()), Path("/tmp")  # noqa: S108 - for a private directory


def _deep_socket(folder: MachineFolder, parent: Path) -> Path:
    """Return the socket's path below ``parent``: the same each time, so that it can be found."""
    digest = hashlib.sha256(bytes(folder.path)).hexdigest()[:16]
    return parent / f"{_ELSEWHERE}{digest}" / SOCKET


def _is_private(folder: Path) -> bool:
    """Create a directory for this user; return False if another user was first."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and (status.st_uid, status.st_mode & 0o777) == (
        os.geteuid(),
        0o700,
    )


def _remove_sockets(folder: MachineFolder, recorded: str = "") -> None:
    """Remove the socket that is in the record, and what a killed start did not record."""
    deep = (_deep_socket(folder, parent) for parent in _temporary_folders())
    for path in (*([Path(recorded)] if recorded else []), *deep):
        _remove_socket_at(path, folder)


def _remove_socket_at(path: Path, folder: MachineFolder) -> None:
    """Remove a socket, and the directory that it has elsewhere."""
    elsewhere = path.parent.name.startswith(_ELSEWHERE) and path.name == SOCKET
    if path.parent != folder.path and not elsewhere:
        return  # A damaged record could name any file.
    # Another user's, or in use again.
    with suppress(OSError):
        path.unlink(missing_ok=True)
        if path.parent != folder.path and path.parent.is_dir():
            path.parent.rmdir()
