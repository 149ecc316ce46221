"""The system's lock of an open file or directory."""

from __future__ import annotations

import fcntl


def try_lock(descriptor: int) -> bool:
    """Return whether the lock is taken now; True where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network disks lock no directories.
        return True
    return True
