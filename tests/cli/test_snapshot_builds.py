"""``os2 snapshot logs | wait | activate | context`` without an engine."""

from __future__ import annotations

import select
import signal
import subprocess
from pathlib import Path

import pytest

from os2cli.providers.local_docker.images.build_logs import BuildLogs
from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.polling import until

NAME = "stg--20260111-193045"
DOCKERFILE = "FROM debian:stable\nRUN make\nCOPY . /app\n"


@pytest.fixture
def slow(cloud: Os2, daytona: DaytonaServer) -> str:
    """A snapshot that is being built, in a checkout, until ``builds_held`` is False."""
    daytona.builds_held = True
    return publish(cloud)


def publish(cloud: Os2) -> str:
    """Build a snapshot without waiting for it."""
    subprocess.run(["git", "init", "--quiet", str(cloud.folder)], check=True)
    (cloud.folder / "sandbox").mkdir(exist_ok=True)
    (cloud.folder / "sandbox/Dockerfile").write_text(DOCKERFILE)
    published = cloud("snapshot", "daytona", "--no-wait", "-q")
    assert published.status == 0, published.stderr
    return published.stdout.strip()


def ended(process: subprocess.Popen[str], daytona: DaytonaServer) -> tuple[int, str, str]:
    """End the build that a command follows; return its exit code and output."""
    assert process.stdout is not None
    select.select([process.stdout], [], [], 30)
    daytona.builds_held = False
    written, errors = process.communicate(timeout=30)
    return process.returncode, written, errors


def test_the_log_of_a_past_build_is_printed(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, dockerfile=DOCKERFILE)

    printed = cloud("snapshot", "logs", NAME)
    document = cloud("snapshot", "logs", NAME, "--json").json()

    assert printed.stdout == "#1 [internal] load build definition from Dockerfile\n"
    assert document["lines"] == printed.stdout.splitlines()


def test_a_log_is_followed_to_the_end_of_the_build(
    cloud: Os2, daytona: DaytonaServer, slow: str
) -> None:
    status, followed, errors = ended(cloud.start("snapshot", "logs", "-f", slow), daytona)

    assert status == 0, errors
    lines = followed.splitlines()
    assert lines[0] == "#1 [internal] load build definition from Dockerfile"
    assert "#3 [2/3] RUN make" in lines
    assert lines[-1] == "#5 DONE 0.1s"
    assert cloud("snapshot", "logs", slow).stdout == followed
    assert cloud("snapshot", "logs", "-f", slow).stdout == followed


def test_following_a_failed_build_ends_with_the_reason(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_next_build("exit code 7", log=("make: no such luck",))
    daytona.builds_held = True
    name = publish(cloud)

    status, followed, errors = ended(cloud.start("snapshot", "logs", "--follow", name), daytona)

    assert status == 1
    assert "make: no such luck" in followed
    assert f"error: snapshot {name} failed to build: exit code 7" in errors
    assert "  | " not in errors


def test_following_times_out(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, dockerfile=DOCKERFILE, state="building")

    followed = cloud("snapshot", "logs", "-f", NAME, "--timeout", "0.5")

    assert followed.status == 6
    assert "#1 [internal]" in followed.stdout


def test_following_ends_with_its_reader(cloud: Os2, daytona: DaytonaServer, slow: str) -> None:
    followed = cloud.unread("snapshot", "logs", "-f", slow)

    assert (followed.status, followed.stderr) == (141, "")


def test_an_interrupted_follow_leaves_the_build_alone(
    cloud: Os2, daytona: DaytonaServer, slow: str
) -> None:
    process = cloud.start("snapshot", "logs", "-f", slow)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("#1 ")
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 130
    process.communicate()
    daytona.builds_held = False
    assert cloud("snapshot", "wait", slow, "-q").status == 0


def test_an_image_that_was_pushed_has_its_log_elsewhere(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, image_name="registry/project/x:1")

    missing = cloud("snapshot", "logs", NAME)

    assert missing.status == 3
    assert "os2 snapshot logs os2-snapshot:stg" in missing.stderr


def test_the_log_of_a_local_build_needs_no_engine(os2: Os2) -> None:
    logs = BuildLogs(Path(os2.env["HOME"]) / ".local/state/os2/build-logs")
    with logs.recording("a", "iterate-sandbox:local") as log:
        log.write("#1 RUN make")

    printed = os2("snapshot", "logs", "iterate-sandbox:local")
    missing = os2("snapshot", "logs", "iterate-sandbox:other")

    assert printed.stdout.splitlines() == ["# build of iterate-sandbox:local", "#1 RUN make"]
    assert missing.status == 3


def awaited(cloud: Os2, daytona: DaytonaServer, name: str) -> tuple[int, str, str]:
    """Wait for a build that ends once a command waits for it."""
    process = cloud.start("snapshot", "wait", name)
    until(lambda: daytona.seen("GET", f"/snapshots/{name}"), 20)
    daytona.builds_held = False
    written, errors = process.communicate(timeout=30)
    return process.returncode, written, errors


def test_a_build_is_waited_for(cloud: Os2, daytona: DaytonaServer, slow: str) -> None:
    status, waited, _ = awaited(cloud, daytona, slow)
    again = cloud("snapshot", "wait", slow, "--json")

    assert (status, waited) == (0, f"{slow}  active\n")
    assert again.json()["state"] == "active"


def test_waiting_for_a_build_that_fails_shows_the_end_of_its_log(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    daytona.fail_next_build("exit code 7", log=("make: no such luck",))
    daytona.builds_held = True
    name = publish(cloud)

    status, during, errors = awaited(cloud, daytona, name)
    after = cloud("snapshot", "wait", name, "--json")

    assert (status, during) == (1, "")
    assert "make: no such luck" in errors
    assert "exit code 7" in errors
    assert (after.status, after.json()["error"]["code"]) == (1, "build_failed")


def test_a_wait_times_out_with_a_hint(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, state="pending")

    waited = cloud("snapshot", "wait", NAME, "--timeout", "0.3")

    assert waited.status == 6
    assert f"waiting for snapshot {NAME} to be active (last state: pending)" in waited.stderr
    assert f"os2 snapshot wait {NAME}" in waited.stderr


def test_an_inactive_one_is_not_waited_for(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, state="inactive")

    waited = cloud("snapshot", "wait", NAME)

    assert waited.status == 5
    command = waited.stderr.splitlines()[-1].split("os2 ")[1].split()
    assert cloud(*command).stdout == f"{NAME}  active\n"


def test_an_inactive_one_is_activated_once(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, state="inactive")

    activated = cloud("snapshot", "activate", NAME, "--json")
    again = cloud("snapshot", "activate", NAME)

    assert (activated.json()["state"], activated.json()["changed"]) == ("active", True)
    assert (again.status, again.stdout) == (0, f"{NAME}  active\n")
    assert again.stderr == f"{NAME} is already active\n"
    assert len(daytona.seen("POST", "/snapshots/.*/activate")) == 1


def test_activating_can_return_at_once(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot(NAME, state="inactive")

    assert cloud("snapshot", "activate", NAME, "--no-wait").status == 0
    assert [snapshot.state for snapshot in daytona.snapshots] == ["active"]


def test_the_cache_forgets_the_former_newest(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot("stg--20260101-000000")
    daytona.add_snapshot(NAME, state="inactive")
    assert cloud("snapshot", "resolve", "-q").stdout.strip() == "stg--20260101-000000"

    cloud("snapshot", "activate", NAME)

    assert cloud("snapshot", "resolve", "-q").stdout.strip() == NAME


@pytest.mark.parametrize("state", ["building", "error", "removing"])
def test_only_an_inactive_one_is_activated(cloud: Os2, daytona: DaytonaServer, state: str) -> None:
    daytona.add_snapshot(NAME, state=state)

    refused = cloud("snapshot", "activate", NAME, "--json")

    assert (refused.status, refused.json()["error"]["code"]) == (5, "snapshot_not_inactive")


# --- context ----------------------------------------------------------------------------------


@pytest.fixture
def checkout(os2: Os2) -> Path:
    """A checkout with a link, a link out of it, a secret, and files that are not sent."""
    folder = os2.folder
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / "sandbox").mkdir()
    (folder / "sandbox/Dockerfile").write_text("FROM scratch\n")
    (folder / "large.bin").write_bytes(b"x" * 5000)
    (folder / "small.txt").write_text("x")
    (folder / "debug.log").write_text("x")
    (folder / "more.log").write_text("x")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / ".env").write_text("TOKEN=hunter2\n")
    (folder / "link").symlink_to("small.txt")
    (folder / "outside").symlink_to("/etc/hostname")
    return folder


def test_a_context_is_shown_with_its_largest_files_first(os2: Os2, checkout: Path) -> None:
    shown = os2("snapshot", "context")

    assert shown.status == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[1].split() == ["5", "kB", "large.bin"]
    assert any(".env  ! " in line for line in lines)
    assert f"{checkout}: sandbox/Dockerfile" in shown.stderr
    assert "5 files, 2 links" in shown.stderr
    assert "ignored by the ignore file: 2" in shown.stderr
    assert "these look like secrets: .env" in shown.stderr
    assert "hunter2" not in shown.stdout + shown.stderr


def test_the_document_of_a_context(os2: Os2, checkout: Path) -> None:
    for number in range(30):
        (checkout / f"{number}.txt").write_text("x")

    document = os2("snapshot", "context", "--json").json()
    shown = os2("snapshot", "context")

    assert document["dockerfile"] == "sandbox/Dockerfile"
    assert (document["file_count"], document["link_count"]) == (35, 2)
    assert (document["ignored_count"], document["secrets"]) == (2, [".env"])
    assert len(document["files"]) == 35
    assert len(os2("snapshot", "context", "-q").stdout.splitlines()) == 35
    assert len(shown.stdout.splitlines()) == 1 + 20
    assert "the 20 largest of 35 files; to list all: --all" in shown.stderr
    assert document["files"][0] == {"path": "large.bin", "size_bytes": 5000, "secret": None}


def test_for_daytona_links_are_files_or_lost(os2: Os2, checkout: Path) -> None:
    document = os2("snapshot", "context", "--type", "daytona", "--json").json()

    assert document["link_count"] == 0
    assert {"link", "small.txt"} <= {file["path"] for file in document["files"]}
    assert any("outside" in note for note in document["not_kept"])


def test_outside_a_checkout_the_bundled_sandbox_would_be_sent(os2: Os2) -> None:
    shown = os2("snapshot", "context", "-q", "--all")

    assert "sandbox/entry.ts" in shown.stdout.splitlines()
