"""Starting, stopping and removing a machine's processes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.host.ports import is_free
from os2cli.providers.local_process.environment import environment, prepare_home, tool
from os2cli.providers.local_process.node import Node
from os2cli.providers.local_process.processes import end_machine, identify
from os2cli.providers.local_process.records import MachineFolder, Phase, ProcessId, Record, Records
from os2cli.providers.loopback import port_conflict

STOP_SECONDS = 3.0
BOOT_SECONDS = 30.0
# A Unix socket's path may have 104 bytes on macOS and 108 on Linux; supervisor appends its process
# id while it creates the socket.
SOCKET_PATH_BYTES = 90
SOCKET = "supervisor.sock"


def start(records: Records, record: Record, node: Node) -> Record:
    """Start the machine's processes, after ending those of an earlier start."""
    folder = records.folder(record.name)
    _end(record, 0)
    if not is_free(record.port):
        raise port_conflict(record.port, None)
    _remove_socket(record, folder)
    record = replace(record, socket=str(_socket(folder)))
    try:
        prepare_home(record, folder, node)
        # Saved before a process exists that another os2 may need to find.
        records.save(record)
        first, logger = _boot(record, folder)
        return records.save(replace(record, phase=Phase.STARTED, first=first, logger=logger))
    except BaseException:
        end_machine(record, 0)
        _remove_socket(record, folder)
        raise


def stop(records: Records, record: Record, seconds: float) -> Record:
    """End all of the machine's processes; raises ``TimedOut`` if one does not end."""
    _end(record, min(seconds, STOP_SECONDS))
    _remove_socket(record, records.folder(record.name))
    return records.save(replace(record, phase=Phase.STOPPED, first=None, logger=None))


def remove(records: Records, record: Record, seconds: float) -> None:
    """End all of the machine's processes and remove its files."""
    _end(record, min(seconds, STOP_SECONDS))
    folder = records.folder(record.name)
    _remove_socket(record, folder)
    records.forget(record.name)
    if folder.path.exists():
        raise OperationFailed(
            f"cannot remove the files of machine {record.name}: {folder.path}",
            hint=f"remove it as a user with permission: rm -r {folder.path}",
            code="files_left",
        )


def _end(record: Record, seconds: float) -> None:
    left = end_machine(record, seconds)
    if left:
        raise TimedOut(
            f"machine {record.name} still has processes: {', '.join(map(str, left))}",
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
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - a new private directory
        if len(os.fsencode(parent)) <= SOCKET_PATH_BYTES - 40:
            return Path(tempfile.mkdtemp(prefix="os2-", dir=parent)) / SOCKET
    return path


def _remove_socket(record: Record, folder: MachineFolder) -> None:
    if not record.socket:
        return
    path = Path(record.socket)
    path.unlink(missing_ok=True)
    if path.parent != folder.path and path.parent.name.startswith("os2-") and path.parent.is_dir():
        path.parent.rmdir()
