"""The s6 programs that a sandbox's services use, on top of supervisor.

They run as processes of a machine: with the standard library alone, as they start often, and with
the machine's environment, which is all that they know.
"""

from __future__ import annotations

# Each is a module with a `main`.
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
