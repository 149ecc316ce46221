"""What only looks like files on this host: the kernel's, and devices.

Their size is 0 or a guess, and some never end: a copy would be empty, or without an end.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

# As in /proc/mounts.
PSEUDO_TYPES = (
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
    "efivarfs", "fusectl", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs",
    "selinuxfs", "sysfs", "tracefs",
)  # fmt: skip
_MOUNTS = Path("/proc/self/mountinfo")
_DEVICES = "/dev"


def pseudo_reason(path: str | Path, status: os.stat_result) -> str | None:
    """Return why an entry with that status is not a file that can be copied, or None."""
    if stat.S_ISSOCK(status.st_mode):
        return "it is a socket"
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return "it is a device"
    if is_pseudo(status.st_dev):
        return "it is in a file system of the kernel"
    if status.st_dev == _device_of(_DEVICES) and _is_devices_own(Path(path), status):
        return "it is for devices"
    return None


def _is_devices_own(path: Path, status: os.stat_result) -> bool:
    """Return whether it is /dev, or a link there, such as /dev/stdin."""
    folder = path.parent if stat.S_ISLNK(status.st_mode) else path
    return os.path.realpath(folder) == _DEVICES


@cache
def _device_of(path: str) -> int | None:
    with suppress(OSError):
        return os.stat(path).st_dev  # noqa: PTH116
    return None


def is_pseudo(device: int) -> bool:
    """Return whether a file system, by ``st_dev``, is one of the kernel's."""
    return device in _pseudo_devices()


@cache
def _pseudo_devices() -> frozenset[int]:
    devices: set[int] = set()
    # Only Linux has it.
    with suppress(OSError), _MOUNTS.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            fields, _, rest = line.partition(" - ")
            major, _, minor = fields.split(" ")[2].partition(":")
            if rest.partition(" ")[0] in PSEUDO_TYPES:
                devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)
