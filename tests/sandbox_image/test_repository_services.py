"""Services of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import REPOSITORY, Sandbox, eventually, write_files

pytestmark = pytest.mark.engine

OWN = ["example-service-a", "example-service-b-depends-on-a", "iterate-server"]
PLACES = [".os2/services", "s6", "sandbox/services", "apps/os2/sandbox/s6-daemons"]
STEP = "entry: services: "


def program(greeting: str) -> str:
    return f"#!/bin/sh\necho '{greeting}'\nexec sleep 1000\n"


def names(sandbox: Sandbox) -> list[str]:
    return [service["name"] for service in sandbox.json("/api/services")["services"]]


@pytest.mark.parametrize("place", PLACES)
def test_services_are_found_where_repositories_keep_them(
    run_sandbox: RunSandbox, checkout: Path, place: str
) -> None:
    write_files(checkout / place / "mine", {"run": program("mine runs")})

    sandbox = run_sandbox(mount=checkout)

    eventually(lambda: sandbox.lines("mine runs"), "the service runs")
    assert names(sandbox) == [*OWN, "mine"]
    (line,) = sandbox.lines(STEP)
    assert line.startswith(f"{STEP}{', '.join([*OWN, 'mine (repository)'])} (")


def test_the_first_directory_wins(run_sandbox: RunSandbox, checkout: Path) -> None:
    for place in PLACES:
        write_files(checkout / place / place.replace("/", "-").strip("."), {"run": program(place)})

    sandbox = run_sandbox(mount=checkout)

    assert names(sandbox) == [*OWN, "os2-services"]


@pytest.mark.parametrize("folder", ["ops/daemons", f"{REPOSITORY}/ops/daemons"])
def test_the_directory_can_be_set(run_sandbox: RunSandbox, checkout: Path, folder: str) -> None:
    write_files(checkout / "ops/daemons/mine", {"run": program("mine runs")})
    write_files(checkout / "s6/other", {"run": program("other runs")})

    sandbox = run_sandbox(mount=checkout, environment={"ITERATE_SERVICES_DIR": folder})

    assert names(sandbox) == [*OWN, "mine"]


def test_a_missing_directory_that_was_set_is_reported(run_sandbox: RunSandbox) -> None:
    sandbox = run_sandbox(wait=False, environment={"ITERATE_SERVICES_DIR": "nowhere"})

    assert sandbox.wait_until_ended() == 1
    assert sandbox.complaints() == [
        f"entry: step services failed: ITERATE_SERVICES_DIR doesn't exist: {REPOSITORY}/nowhere"
    ]


def test_a_service_of_the_same_name_replaces_the_image_s(
    run_sandbox: RunSandbox, checkout: Path
) -> None:
    service = "example-service-a"
    write_files(checkout / "s6" / service, {"run": program("another a runs")})

    sandbox = run_sandbox(mount=checkout)

    eventually(lambda: sandbox.lines("another a runs"), "it runs")
    assert sandbox.lines("example-service-a:") == []
    assert names(sandbox) == OWN
    assert f"{service} (repository)" in sandbox.lines(STEP)[0]
    # Nothing of the image's service is left, or its notification-fd would be used.
    assert not sandbox.has(f"/run/os2/services/{service}/notification-fd")


def test_all_parts_of_a_service_work(run_sandbox: RunSandbox, checkout: Path) -> None:
    files = {
        "run": "#!/bin/sh\necho 'mine runs'\nexec sh -c 'sleep 0.2; echo >&3; exec sleep 1000'\n",
        "finish": "#!/bin/sh\ntouch /tmp/finished\n",
        "log/run": "#!/bin/sh\nexec s6-log T /var/log/mine\n",
        "notification-fd": "3\n",
        "metadata.json": '{"displayName": "Mine", "port": 4000, "hasWebUI": true}',
    }
    write_files(checkout / "s6/mine", files)

    sandbox = run_sandbox(mount=checkout).wait_until_ready("mine")

    shown = sandbox.json("/api/services")["services"][-1]
    assert (shown["displayName"], shown["port"], shown["state"]) == ("Mine", 4000, "ready")
    assert sandbox.json("/api/services/mine/logs")["lines"][0].endswith("mine runs")
    sandbox.output("s6-svc", "-wD", "-T", "5000", "-d", "/run/os2/services/mine")
    assert sandbox.has("/tmp/finished")


def test_a_log_outside_the_log_directory_is_not_served(
    run_sandbox: RunSandbox, checkout: Path
) -> None:
    write_files(checkout, {"secret/current": "hidden"})
    for name, folder in {"up": f"../..{REPOSITORY}/secret", "abs": f"{REPOSITORY}/secret"}.items():
        files = {
            "run": program("runs"),
            "log/run": "#!/bin/sh\nexec cat\n",
            "metadata.json": f'{{"logDirectory": "{folder}"}}',
        }
        write_files(checkout / "s6" / name, files)

    sandbox = run_sandbox(mount=checkout)

    assert {"up", "abs"} <= set(names(sandbox))
    for name in ("up", "abs"):
        assert sandbox.json(f"/api/services/{name}/logs") == {"file": None, "lines": []}


def test_other_directories_are_skipped(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(
        checkout / "s6",
        {
            "good/run": program("good runs"),
            "good/supervise/status": "left from somewhere",
            "no run/run": program("x"),
            "empty/metadata.json": "{}",
            "README.md": "x",
            ".hidden/run": program("x"),
        },
    )

    sandbox = run_sandbox(mount=checkout)

    assert names(sandbox) == sorted([*OWN, "good"])
    eventually(lambda: sandbox.lines("good runs"), "it runs")


def test_a_service_that_can_not_run_is_reported(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout / "s6/plain", {"run": "echo no program\n"})

    sandbox = run_sandbox(mount=checkout)

    assert names(sandbox) == OWN
    assert "; left out, as run is not executable: plain (" in sandbox.lines(STEP)[0]


def test_a_service_that_is_gone_from_the_repository_is_gone_after_a_restart(
    run_sandbox: RunSandbox, checkout: Path
) -> None:
    write_files(checkout / "s6", {"one/run": program("one"), "two/run": program("two")})
    sandbox = run_sandbox(mount=checkout)
    assert names(sandbox) == [*OWN, "one", "two"]

    (checkout / "s6/two/run").unlink()
    sandbox.restart().wait_until_healthy()

    assert names(sandbox) == [*OWN, "one"]
