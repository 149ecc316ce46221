"""Start the process that delivers what waits, and do not wait for it.

However many commands end at once, one such process runs: it inherits the lock that its starter
took. What it has to know comes through a pipe, so that the key stands in no argument and no
environment.
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
from os2cli.analytics.state_files import private_folder
from os2cli.settings.settings import delivery_environment


def send_in_background(parameters: Parameters) -> None:
    """Start a delivery unless nothing waits, one is under way, or it is too early for another."""
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
        # The one that was started has it, too, and keeps it until its end.
        os.close(lock)


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _environment() -> dict[str, str]:
    """How to find this os2 again, wherever it was imported from, and the way into the net."""
    known = delivery_environment()
    places = [str(Path(os2cli.__file__).parents[1]), *known.get("PYTHONPATH", "").split(os.pathsep)]
    return {**known, "PYTHONPATH": os.pathsep.join(place for place in places if place)}


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
    # It fits into the pipe: writing it waits for nobody.
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
    # A server that goes on must not collect dead children.
    threading.Thread(target=process.wait, daemon=True).start()
