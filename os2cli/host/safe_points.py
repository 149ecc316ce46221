"""Where a signal may raise an exception: not amid the bookkeeping of an HTTP library.

An exception at any instruction can leave a lock of a connection pool taken, which the library's own
cleaning up then waits for, or a connection out of step with what was sent on it. While a library
waits for the network, it expects one.
"""

from __future__ import annotations

import sys
from types import FrameType

_LIBRARIES = {"h11", "http", "httpcore", "httpx", "requests", "urllib3"}
_WAITING = {
    "httpcore._backends.sync",
    "select",
    "selectors",
    "socket",
    "ssl",
    "urllib3.util.ssltransport",
    "urllib3.util.wait",
}


def is_safe_point(frame: FrameType | None) -> bool:
    """Return whether an exception may interrupt what runs in a frame; None stands for our code."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if module in _WAITING:
            return True
        if package in _LIBRARIES:
            return False
        if package not in sys.stdlib_module_names:
            return True
        # What the standard library does, it does for its caller.
        frame = frame.f_back
    return True
