"""A check that hangs or breaks is a finding, and delays neither the others nor the exit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from os2cli.core.errors import UsageError
from os2cli.doctor.findings import Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.doctor.runner import CHECKS, run_checks


def broken() -> ImageFreshness:
    raise RuntimeError("boom")


def test_a_broken_check_is_a_finding(engine: Any, tmp_path: Path) -> None:
    inputs = DoctorInputs(
        {}, tmp_path, engine.endpoint, None, broken, "Linux", "x86_64", "h", addresses=()
    )
    found = {each.check: each for each in run_checks(inputs)}
    assert list(found) == list(CHECKS)
    assert found["image"].status is Status.PROBLEM
    assert found["image"].what == "the check failed: RuntimeError: boom"


def test_no_engine_at_all_is_quick(tmp_path: Path) -> None:
    error = UsageError("no such context")
    inputs = DoctorInputs({}, tmp_path, error, None, broken, "Linux", "x86_64", "h", addresses=())
    assert next(iter(run_checks(inputs))).what == "no such context"


HANGING = """
import socket, sys, threading, time
from pathlib import Path
from os2cli.doctor.inputs import DoctorInputs
from os2cli.doctor.runner import run_checks
from os2cli.providers.local_docker.engine.address import Endpoint

server = socket.create_server(("127.0.0.1", 0))  # accepts, and never answers
silent = Endpoint(f"tcp://127.0.0.1:{server.getsockname()[1]}", "DOCKER_HOST")
inputs = DoctorInputs(
    {"APP_STAGE": "stg"}, Path("/"), silent, None, threading.Event().wait,
    "Linux", "x86_64", "h", tcp_api=silent, addresses=(),
)
print(time.monotonic())
for finding in run_checks(inputs, deadline=0.3):
    print(finding.check, finding.status, finding.what, sep="|")
"""


def test_a_hung_check_holds_up_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-c", HANGING],
        env={"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])},
        capture_output=True,
        text=True,
        timeout=20,
    )
    end = time.monotonic()
    start, *lines = run.stdout.splitlines()
    assert end - float(start) < 2  # the requests alone take 2.4 s
    assert run.stderr == ""
    found = dict(line.split("|", 1) for line in lines)
    assert found["engine"] == "problem|timed out after 0.3 s"
    assert found["image"] == "problem|timed out after 0.3 s"
    assert found["stage"] == "ok|stg (staging), from APP_STAGE"
