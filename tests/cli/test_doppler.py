"""Under ``doppler run``: only its variables, no terminal, and every signal twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import Os2
from tests.daytona_server import DaytonaServer

# Like Doppler, it starts the command with its own variables, and forwards the signals that the
# terminal has already sent to the whole group.
WRAPPER = """
import os, signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
def forward(number, frame):
    child.send_signal(number)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, forward)
sys.exit(child.wait())
"""


@pytest.fixture
def doppler(cloud: Os2) -> Os2:
    """The CLI with the environment of ``doppler run --config stg``."""
    subprocess.run(["git", "init", "--quiet", str(cloud.folder)], check=True)
    (cloud.folder / "sandbox").mkdir()
    (cloud.folder / "sandbox/Dockerfile").write_text('FROM x\nENTRYPOINT ["true"]\n')
    injected = {"DOPPLER_PROJECT": "os", "DOPPLER_CONFIG": "stg", "DOPPLER_ENVIRONMENT": "stg"}
    return Os2(cloud.folder, {**cloud.env, **injected})


def test_everything_works_with_the_injected_variables(doppler: Os2) -> None:
    published = doppler("snapshot", "daytona", "-q")
    created = doppler("machine", "create", "a", "--type", "daytona", "--json")

    assert published.stdout.startswith("stg--")
    assert created.json()["snapshot"] == published.stdout.strip()


def test_a_developer_s_shell_and_a_config_that_agrees_with_app_stage(doppler: Os2) -> None:
    result = doppler("snapshot", "daytona", "-q", env={"ITERATE_USER": "jonas"})

    assert result.stdout.startswith("stg--")


@pytest.mark.parametrize(
    "command",
    [("snapshot", "daytona"), ("machine", "create", "--type", "daytona")],
    ids=["snapshot", "machine"],
)
def test_a_contradiction_stops_with_its_explanation(
    doppler: Os2, daytona: DaytonaServer, command: tuple[str, ...]
) -> None:
    env = {"ITERATE_USER": "jonas", "DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "prd"}

    result = doppler(*command, env=env)

    error, hint = result.stderr.splitlines()
    assert result.status == 2
    assert error.startswith("error: ITERATE_USER=jonas says dev-jonas, but APP_STAGE says stg")
    assert "DOPPLER_CONFIG=prd" in error
    assert hint == "hint: choose one: --stage stg or --stage dev-jonas"
    assert daytona.requests == []


def test_the_doctor_names_a_config_of_another_stage(doppler: Os2) -> None:
    result = doppler("doctor", "--json", env={"DOPPLER_CONFIG": "prd"})

    (finding,) = [f for f in result.json()["findings"] if f["check"] == "doppler"]
    assert finding["status"] == "problem"
    assert "DOPPLER_CONFIG=prd" in finding["what"]


@pytest.mark.parametrize("to_group", [False, True], ids=["to the wrapper", "to the group"])
def test_a_signal_through_the_wrapper_rolls_back(
    doppler: Os2, daytona: DaytonaServer, to_group: bool
) -> None:
    daytona.timing.build = 30
    process = subprocess.Popen(
        [sys.executable, "-c", WRAPPER, *doppler.argv("snapshot", "daytona")],
        cwd=doppler.folder,
        env=dict(doppler.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not [s for s in daytona.snapshots if s.state == "building"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)

    if to_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    assert (process.returncode, stdout) == (130, "")
    assert "removing unfinished snapshot" in stderr
    assert "os2: stopped by SIGINT" in stderr
    while daytona.snapshots:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_read_from_env_files(doppler: Os2) -> None:
    Path(doppler.folder, ".env").write_text("DAYTONA_API_URL=https://evil.example/api\n")

    assert doppler("snapshot", "resolve").status == 3
