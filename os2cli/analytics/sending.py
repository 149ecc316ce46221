"""Start the process that delivers the spool, without waiting for it.

One delivery runs at a time, however many commands end at once: the process inherits the lock of its
starter. It reads its job from a pipe, so that the key is in no argument and no environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import os2cli
from os2cli.analytics.deliveries import load_attempts
from os2cli.analytics.parameters import Parameters
from os2cli.analytics.recording import spool_of
from os2cli.host.private_files import private_folder
from os2cli.settings.settings import delivery_environment


def send_in_background(parameters: Parameters) -> None:
    """Start a delivery unless the spool is empty, one is running, or the next is not due."""
    folder, target = parameters.folder, parameters.target
    if not spool_of(folder).waiting(target) or not load_attempts(folder, target).is_due:
        return
    lock = os.open(
        private_folder(folder) / "delivery.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        if try_lock(lock):
            _start(parameters, lock)
    finally:
        # The delivering process inherited the lock and holds it until its end.
        os.close(lock)


def try_lock(descriptor: int) -> bool:
    """Return whether the lock was free and is taken now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _environment() -> dict[str, str]:
    """Return the environment that finds this os2 and the network, proxies included."""
    environment = delivery_environment()
    inherited = environment.get("PYTHONPATH", "").split(os.pathsep)
    folders = [str(Path(os2cli.__file__).parents[1]), *inherited]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, folders))}


def _start(parameters: Parameters, lock: int) -> None:
    job = {
        "key": parameters.key,
        "host": parameters.host,
        "target": parameters.target,
        "folder": str(parameters.folder),
        "lock": lock,
    }
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "os2cli.analytics.delivery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path("/"),
        env=_environment(),
        pass_fds=(lock,),
        start_new_session=True,
    )
    # The job fits into the pipe's buffer, so that writing never blocks.
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
    # `os2 ui` keeps running and must not collect zombies.
    threading.Thread(target=process.wait, daemon=True).start()
