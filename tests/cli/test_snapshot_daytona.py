"""``os2 snapshot daytona`` with Daytona's builder: no engine, a real object store."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from os2cli.core.snapshot_name import SnapshotName
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until

PUBLISH = ("snapshot", "daytona")
DOCKERFILE = """\
ARG BASE_IMAGE=debian:stable
FROM ${BASE_IMAGE}
COPY . /app
ENTRYPOINT ["node", "/app/server.js"]
"""


@pytest.fixture(autouse=True)
def repository(cloud: Os2) -> Path:
    """A checkout with its own sandbox."""
    folder = cloud.folder
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / "sandbox").mkdir()
    (folder / "sandbox/Dockerfile").write_text(DOCKERFILE)
    (folder / "server.js").write_text("// serves")
    (folder / "lib").mkdir()
    (folder / "lib/tool.sh").write_text("echo tool")
    (folder / "lib/tool.sh").chmod(0o755)
    (folder / "tool").symlink_to("lib/tool.sh")
    (folder / "library").symlink_to("lib")
    return folder


def asked(daytona: DaytonaServer) -> dict[str, object]:
    """Return the last requested snapshot."""
    found: dict[str, object] = json.loads(daytona.seen("POST", "/snapshots")[-1].body)
    return found


def dockerfile(daytona: DaytonaServer) -> str:
    """Return the last Dockerfile that the builder got."""
    return str(asked(daytona)["buildInfo"]["dockerfileContent"])  # type: ignore[index]


def test_the_name_of_an_active_snapshot_is_the_output(cloud: Os2, daytona: DaytonaServer) -> None:
    result = cloud(*PUBLISH)

    assert result.status == 0, result.stderr
    name = SnapshotName.parse(result.stdout.strip())
    assert name.stage == "stg"
    (snapshot,) = daytona.snapshots
    assert (snapshot.name, snapshot.state) == (str(name), "active")
    assert (asked(daytona)["cpu"], asked(daytona)["memory"], asked(daytona)["disk"]) == (4, 4, 10)
    assert "published" in result.stderr


def test_the_resources_are_the_requested_ones(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.regions.append("eu")
    sizes = ("--cpu", "2", "--memory", "8", "--disk", "9")

    published = cloud(*PUBLISH, *sizes, env={"DAYTONA_TARGET": "eu"})

    assert published.status == 0, published.stderr
    body = asked(daytona)
    assert (body["cpu"], body["memory"], body["disk"], body["regionId"]) == (2, 8, 9, "eu")


def test_the_store_gets_plain_files_and_no_links(cloud: Os2, daytona: DaytonaServer) -> None:
    cloud(*PUBLISH)

    assert daytona.storage is not None
    (key,) = daytona.storage.keys()
    (digest,) = asked(daytona)["buildInfo"]["contextHashes"]  # type: ignore[index]
    assert key == f"{daytona.organization_id}/{digest}/context.tar"
    with tarfile.open(fileobj=io.BytesIO(daytona.storage.read(key))) as tar:
        members = {member.name: member for member in tar}
        assert all(member.isreg() for member in members.values())
        assert sorted(members) == [
            *("lib/tool.sh", "library/tool.sh", "sandbox/Dockerfile", "server.js", "tool"),
        ]
        assert members["tool"].mode == members["library/tool.sh"].mode == 0o755
        content = tar.extractfile("tool")
        assert content is not None
        assert content.read() == b"echo tool"


def test_a_small_git_is_sent_if_asked_for(
    cloud: Os2, daytona: DaytonaServer, repository: Path, tmp_path: Path
) -> None:
    (repository / "sandbox/Dockerfile").write_text(DOCKERFILE + "COPY .git /app/.git\n")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for command in (("add", "."), ("commit", "-qm", "first"), ("tag", "v1")):
        subprocess.run(["git", *who, *command], cwd=repository, check=True)

    refused = cloud(*PUBLISH)
    published = cloud(*PUBLISH, "--with-git")
    again = cloud(*PUBLISH, "--with-git")

    assert "hint: send a small one with the history of the branch: --with-git" in refused.stderr
    assert published.status == 0, published.stderr
    assert "unchanged (key " in again.stderr
    assert daytona.storage is not None
    (key,) = daytona.storage.keys()
    with tarfile.open(fileobj=io.BytesIO(daytona.storage.read(key))) as tar:
        assert all(member.isreg() for member in tar)
        tar.extractall(tmp_path / "built", filter="data")
    described = subprocess.run(
        ["git", "describe", "--tags"], cwd=tmp_path / "built", capture_output=True, text=True
    )
    assert described.stdout == "v1\n"


def test_nothing_changed_sends_nothing(cloud: Os2, daytona: DaytonaServer) -> None:
    first = cloud(*PUBLISH)

    again = cloud(*PUBLISH)
    document = cloud(*PUBLISH, "--json").json()

    assert again.stdout == first.stdout
    assert "unchanged (key " in again.stderr
    assert document["published"] is False
    assert len(daytona.seen("POST", "/snapshots")) == 1
    assert len(daytona.seen("GET", "/object-storage/push-access")) == 1


def test_a_change_of_anything_publishes_again(
    cloud: Os2, daytona: DaytonaServer, repository: Path
) -> None:
    names = {cloud(*PUBLISH, "-q").stdout}
    (repository / "server.js").write_text("// serves more")
    names.add(cloud(*PUBLISH, "-q").stdout)
    (repository / "server.js").chmod(0o755)
    names.add(cloud(*PUBLISH, "-q").stdout)
    names.add(cloud(*PUBLISH, "-q", "--cpu", "2").stdout)
    names.add(cloud(*PUBLISH, "-q", "--cpu", "2", "--base-image", "debian:12").stdout)

    assert len(names) == len(daytona.snapshots) == 5


def test_force_builds_the_same_again(cloud: Os2, daytona: DaytonaServer) -> None:
    cloud(*PUBLISH)
    before = dockerfile(daytona)

    cloud(*PUBLISH, "--force")
    unchanged = cloud(*PUBLISH)

    # The builder caches by the Dockerfile's text: only another text is rebuilt.
    assert dockerfile(daytona) != before
    assert len(daytona.snapshots) == 2
    assert "unchanged" in unchanged.stderr


def test_build_arguments_become_defaults(cloud: Os2, daytona: DaytonaServer) -> None:
    cloud(*PUBLISH, "--base-image", "debian:12")

    text = dockerfile(daytona)
    assert re.search(r"(?m)^ARG BASE_IMAGE=\W?debian:12\W?$", text)
    assert "debian:stable" not in text


def test_publishing_drops_what_was_cached(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot("stg--20260111-193045")
    cloud("snapshot", "resolve")

    published = cloud(*PUBLISH)

    assert cloud("snapshot", "resolve").stdout == published.stdout


def test_a_taken_name_is_left_to_its_owner(cloud: Os2, daytona: DaytonaServer) -> None:
    taken = Fault(status=409, body={"statusCode": 409, "error": "Conflict", "message": "exists"})
    daytona.fail_next("POST", "/snapshots", taken)

    result = cloud(*PUBLISH, "-q")

    first, second = (json.loads(r.body)["name"] for r in daytona.seen("POST", "/snapshots"))
    assert SnapshotName.parse(second) == SnapshotName.parse(first).next_second()
    assert result.stdout == f"{second}\n"


def test_a_lost_response_publishes_once(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_next("POST", "/snapshots", Fault(lose_answer=True))

    result = cloud(*PUBLISH)

    assert result.status == 0, result.stderr
    assert len(daytona.snapshots) == 1


def test_without_waiting_it_returns_at_once(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.build = 5

    document = cloud(*PUBLISH, "--no-wait", "--json").json()

    assert document["state"] in ("pending", "building")
    assert document["published"] is True


def test_a_build_that_takes_too_long_continues(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.build = 8

    result = cloud(*PUBLISH, "--timeout", "0.5", "--json")

    error = result.json()["error"]
    assert (result.status, error["code"]) == (6, "not_active")
    assert "os2 snapshot wait stg--" in error["hint"]
    assert len(daytona.snapshots) == 1


def test_a_failed_build_shows_its_log_and_is_removed(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_next_build(reason="exit code: 7", log=["#9 npm ERR! disk quota"])

    result = cloud(*PUBLISH)

    assert result.status == 1
    assert "  | #9 npm ERR! disk quota" in result.stderr
    assert re.search(r"error: snapshot stg--\d+-\d+ failed to build: exit code: 7", result.stderr)
    until(lambda: daytona.snapshots == [])


@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_removes_what_was_started(cloud: Os2, daytona: DaytonaServer, times: int) -> None:
    daytona.timing.build = 30
    process = cloud.start(*PUBLISH)
    until(lambda: [s for s in daytona.snapshots if s.state == "building"])

    begun = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    assert (process.returncode, stdout) == (130, "")
    assert "removing unfinished snapshot" in stderr
    assert time.monotonic() - begun < 5
    until(lambda: daytona.snapshots == [])


@pytest.mark.parametrize(
    ("permissions", "status", "code"),
    [((), 4, "not_permitted"), (("write:sandboxes",), 4, "not_permitted")],
    ids=["none", "another"],
)
def test_a_key_without_permission_is_rejected_first(
    cloud: Os2, daytona: DaytonaServer, permissions: tuple[str, ...], status: int, code: str
) -> None:
    weak = daytona.add_key(permissions=permissions)

    result = cloud(*PUBLISH, "--json", env={"DAYTONA_API_KEY": weak})

    error = result.json()["error"]
    assert (result.status, error["code"]) == (status, code)
    assert "write:snapshots" in error["hint"]
    assert daytona.seen("GET", "/object-storage/push-access") == []


def test_a_full_quota_has_the_api_s_message(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.snapshot_quota = 0

    result = cloud(*PUBLISH, "--json")

    assert result.status == 1
    assert result.json()["error"]["code"] == "quota_exceeded"
    assert "Maximum allowed: 0" in result.json()["error"]["message"]


def test_secrets_in_the_context_stop_it(
    cloud: Os2, daytona: DaytonaServer, repository: Path
) -> None:
    (repository / ".env").write_text("TOKEN=abc")

    result = cloud(*PUBLISH, "--json")

    assert (result.status, result.json()["error"]["code"]) == (2, "secrets_in_context")
    assert daytona.seen("GET", "/object-storage/push-access") == []
    assert cloud(*PUBLISH, "--allow-secrets").status == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("COPY . /app\n", "dockerfile_invalid"),
        ("FROM x\nRUM true\n", "dockerfile_invalid"),
        ("FROM x\n" + "# long\n" * 20_000, "dockerfile_too_long"),
    ],
    ids=["no FROM", "typing error", "too long"],
)
def test_an_unbuildable_dockerfile_is_rejected_first(
    cloud: Os2, daytona: DaytonaServer, repository: Path, text: str, code: str
) -> None:
    (repository / "sandbox/Dockerfile").write_text(text)

    result = cloud(*PUBLISH, "--json")

    assert (result.status, result.json()["error"]["code"]) == (2, code)
    assert daytona.seen("POST", "/snapshots") == []


def test_what_can_not_be_kept_is_reported(cloud: Os2, repository: Path) -> None:
    (repository / "outside").symlink_to("/etc/hostname")

    result = cloud(*PUBLISH)

    assert result.status == 0
    assert "warning: " in result.stderr
    assert "outside" in result.stderr


@pytest.mark.parametrize("chosen", [True, False], ids=["built", "beside"])
def test_a_dockerfile_in_the_root_is_not_sent_over_the_text(
    cloud: Os2, daytona: DaytonaServer, repository: Path, chosen: bool
) -> None:
    (repository / "Dockerfile").write_text(DOCKERFILE)

    result = cloud(*PUBLISH, *(("--dockerfile", "Dockerfile") if chosen else ()))

    assert daytona.storage is not None
    (key,) = daytona.storage.keys()
    with tarfile.open(fileobj=io.BytesIO(daytona.storage.read(key))) as tar:
        assert "Dockerfile" not in tar.getnames()
    assert ("warning: Dockerfile: " in result.stderr) is not chosen


def test_two_at_once_publish_one(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.build = 1
    processes = [cloud.start(*PUBLISH, "-q") for _ in range(2)]

    names = {process.communicate(timeout=60)[0] for process in processes}

    assert len(names) == len(daytona.snapshots) == 1


def test_the_log_is_shown_when_asked_for(cloud: Os2) -> None:
    assert "  | #" in cloud(*PUBLISH, "-v").stderr
