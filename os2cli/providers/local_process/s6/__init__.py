"""The s6 programs that a sandbox's services use, on top of supervisor.

They are processes of a machine: they import the standard library only, as they start often, and
read the machine's environment only.
"""

from __future__ import annotations

# The module of each program, which has a `main`.
PROGRAMS = {
    "os2-boot": "boot",
    "os2-run-service": "service",
    "s6-svscan": "scan",
    "s6-svscanctl": "scan_control",
    "s6-svc": "control",
    "s6-svstat": "status",
    "s6-svwait": "wait",
    "s6-notifyoncheck": "readiness",
    "s6-log": "log",
}
