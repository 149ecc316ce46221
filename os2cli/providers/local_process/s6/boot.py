"""``os2-boot FOLDER PROGRAM ARGUMENT…``: start a machine's first process in the background.

A logger writes the output of every process in the machine to ``FOLDER`` and ends with the last of
them. Prints the process ids of both as JSON.
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
    """Start the logger and the first process."""
    logs, *argv = arguments
    reader, writer = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    env = dict(os.environ)
    # The logger lacks the mark: it must outlive the processes that are ended.
    logger_env = {LOGGER_VARIABLE: env[MARK_VARIABLE], "PATH": env["PATH"]}
    logger_argv = [sys.executable, "-I", "-S", str(PROGRAM_FILE), "s6-log", *ROTATION, logs]
    logger = _start(logger_argv, logger_env, (reader, nothing, nothing))
    first = _start(argv, env, (nothing, writer, writer))
    json.dump({"first": first, "logger": logger}, sys.stdout)
    return 0


def _start(argv: list[str], env: dict[str, str], descriptors: tuple[int, int, int]) -> int:
    """Start a process in its own session, with three descriptors open, and return its id."""
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
