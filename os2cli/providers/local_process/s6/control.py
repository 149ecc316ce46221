"""``s6-svc -u|-d|-r|-SIGNAL… FOLDER``: start and stop a service, or send it a signal."""

from __future__ import annotations

import os
import signal
import sys

from os2cli.providers.local_process.s6.folders import SOCKET_VARIABLE, ServiceFolder
from os2cli.providers.local_process.s6.rpc import Supervisor

# Supervisor restarts a program that ends unexpectedly.
SIGNALS = {
    "r": "TERM",
    "t": "TERM",
    "k": "KILL",
    "h": "HUP",
    "i": "INT",
    "q": "QUIT",
    "1": "USR1",
    "2": "USR2",
    "a": "ALRM",
    "y": "WINCH",
}
WRONG_USAGE = 100


def main(arguments: list[str]) -> int:
    """Run the command of each letter in turn."""
    *options, folder = arguments
    letters = "".join(option[1:] for option in options if option.startswith("-"))
    if not letters or not set(letters) <= {*SIGNALS, "u", "d"}:
        sys.stderr.write("usage: s6-svc [-udrtkhiq12ay] FOLDER\n")
        return WRONG_USAGE
    supervisor = Supervisor(os.environ[SOCKET_VARIABLE])
    service = ServiceFolder.named(folder)
    program = service.program
    for letter in letters:
        if letter == "u":
            supervisor.change("startProcess", program, False)
        elif letter == "d":
            supervisor.change("stopProcess", program, False)
        elif service.child is not None:
            os.killpg(service.child, getattr(signal, f"SIG{SIGNALS[letter]}"))
        else:
            supervisor.change("signalProcess", program, SIGNALS[letter])
    return 0
