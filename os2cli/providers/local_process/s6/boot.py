"""``os2-boot FOLDER PROGRAM ARGUMENT…``: start a machine's first process and leave it to itself.

What it and everything in the machine prints goes to a logger that writes to ``FOLDER`` and ends
when nobody is left who could print. The process ids of both are printed.
"""

from __future__ import annotations

import json
import os
import sys

from os2cli.providers.local_process.s6.exec import exec_program
from os2cli.providers.local_process.s6.folders import LOGGER_VARIABLE, MARK_VARIABLE
from os2cli.providers.local_process.s6.scan import PROGRAM_FILE

ROTATION = ("n20", "s1000000", "T")


def main(arguments: list[str]) -> int:
    """Start both."""
    logs, *argv = arguments
    reader, writer = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    env = dict(os.environ)
    # The logger is no part of what is ended: it hears the end.
    logger_env = {LOGGER_VARIABLE: env[MARK_VARIABLE], "PATH": env["PATH"]}
    logger_argv = [sys.executable, "-I", "-S", str(PROGRAM_FILE), "s6-log", *ROTATION, logs]
    logger = _start(logger_argv, logger_env, (reader, nothing, nothing))
    first = _start(argv, env, (nothing, writer, writer))
    json.dump({"first": first, "logger": logger}, sys.stdout)
    return 0


def _start(argv: list[str], env: dict[str, str], descriptors: tuple[int, int, int]) -> int:
    """A process in a session of its own; everything else that is open here closes there."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        exec_program(argv, env)
    finally:
        os._exit(127)
