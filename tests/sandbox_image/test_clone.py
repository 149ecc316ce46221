"""A machine that works on a remote repository."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.git_server import PASSWORD, GitServer, Repository
from tests.sandbox_image.sandbox import REPOSITORY, Sandbox, eventually

pytestmark = pytest.mark.engine

STEP = "entry: repository: "
FAILED = "entry: step repository failed: "


@pytest.fixture
def repository(git_server: GitServer) -> Repository:
    """A public repository with one commit."""
    made = git_server.repository(is_open=True)
    made.commit({"file.txt": "first"})
    return made


@pytest.fixture
def closed(git_server: GitServer) -> Repository:
    """A repository with one commit that needs a password."""
    made = git_server.repository()
    made.commit({"file.txt": "first"})
    return made


@pytest.fixture
def held(git_server: GitServer) -> Iterator[GitServer]:
    """The server, which holds requests below ``/held/`` until it is released."""
    git_server.hold()
    yield git_server
    git_server.release()


def cloning(repository: Repository, ref: str | None = None) -> dict[str, str]:
    environment = {"ITERATE_REPO_URL": repository.url()}
    return environment | ({"ITERATE_GIT_REF": ref} if ref else {})


def content(sandbox: Sandbox) -> str:
    return sandbox.read(f"{REPOSITORY}/file.txt")


def git(sandbox: Sandbox, *arguments: str) -> str:
    return sandbox.output("git", "-C", REPOSITORY, *arguments)


def requested(repository: Repository, method: str) -> bool:
    return any(request["method"] == method for request in repository.requests())


def assert_failed(sandbox: Sandbox, *reasons: str) -> None:
    """Check that it ended with one line that gives the reason and no secret."""
    assert sandbox.wait_until_ended() == 1
    *_, last = lines = sandbox.logs().splitlines()
    assert last.startswith(FAILED)
    assert [line for line in lines if line.startswith("entry: step ")] == [last]
    assert [reason for reason in reasons if reason not in last] == []
    assert PASSWORD not in sandbox.logs()


def test_the_default_branch_replaces_the_image_s_copy(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    sandbox = run_sandbox(environment=cloning(repository))

    assert content(sandbox) == "first"
    assert sandbox.output("ls", "-A", REPOSITORY).split() == [".git", "file.txt"]
    assert git(sandbox, "status", "--porcelain", "--branch") == "## main...origin/main"
    (line,) = sandbox.lines(STEP)
    assert f"cloned {repository.url()}: main at " in line
    info = sandbox.json("/api/info")["repository"]
    assert (info["remote"], info["branch"]) == (repository.url(), "main")
    assert info["commit"] == repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize("way", ["variable", "address", "token-address"])
def test_a_credential_is_sent_to_the_server_only(
    run_sandbox: RunSandbox, closed: Repository, held: GitServer, way: str
) -> None:
    user, environment = {
        "variable": ("x-access-token", {"ITERATE_REPO_TOKEN": PASSWORD}),
        "address": ("me", {}),
        "token-address": ("x-access-token", {}),
    }[way]
    credentials = {"variable": "", "address": f"me:{PASSWORD}", "token-address": PASSWORD}[way]
    environment["ITERATE_REPO_URL"] = closed.url(below="/held", credentials=credentials)

    sandbox = run_sandbox(wait=False, environment=environment)
    eventually(lambda: requested(closed, "POST"), "the clone is under way")
    arguments = sandbox.shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    held.release()
    sandbox.wait_until_healthy()

    assert content(sandbox) == "first"
    assert {(one["user"], one["password"]) for one in closed.requests()} == {
        ("", ""),
        (user, PASSWORD),
    }
    assert "git" in arguments
    assert closed.url(below="/held") in sandbox.read(f"{REPOSITORY}/.git/config")
    for text in (arguments, sandbox.logs(), sandbox.get("/api/info").text):
        assert PASSWORD not in text
    places = ["/home", "/opt/os2", "/run", "/tmp", "/var/log"]
    assert sandbox.exec(["grep", "-rlF", PASSWORD, *places], "0") == (1, "")
    git(sandbox, "fetch")


def test_a_credential_does_not_follow_a_redirect_to_another_host(
    run_sandbox: RunSandbox, closed: Repository
) -> None:
    environment = {
        "ITERATE_REPO_URL": closed.url(below="/elsewhere"),
        "ITERATE_REPO_TOKEN": PASSWORD,
    }

    sandbox = run_sandbox(wait=False, environment=environment)

    assert_failed(sandbox)
    redirected = [request for request in closed.requests() if request["port"] == 8001]
    assert redirected
    assert {request["password"] for request in closed.requests()} == {""}


@pytest.fixture(scope="module")
def history(git_server: GitServer) -> tuple[Repository, str]:
    """A repository, and the earlier commit of a branch and a tag."""
    made = git_server.repository(is_open=True)
    wanted = made.commit({"file.txt": "wanted"})
    made.tag("v1.0")
    made.git("push", "--quiet", "origin", "HEAD:refs/heads/team/topic")
    made.commit({"file.txt": "last"})
    return made, wanted


@pytest.mark.parametrize("kind", ["branch", "tag", "sha", "short-sha"])
def test_a_ref_may_be(run_sandbox: RunSandbox, history: tuple[Repository, str], kind: str) -> None:
    repository, wanted = history
    ref = {"branch": "team/topic", "tag": "v1.0", "sha": wanted, "short-sha": wanted[:9]}[kind]

    sandbox = run_sandbox(environment=cloning(repository, ref))

    assert content(sandbox) == "wanted"
    assert git(sandbox, "rev-parse", "HEAD") == wanted
    assert git(sandbox, "branch", "--show-current") == (ref if kind == "branch" else "")


def test_a_commit_that_is_on_no_branch_any_more_can_be_fetched(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    lost = repository.commit({"file.txt": "lost"})
    repository.commit({"file.txt": "last"}, amend=True)
    setting = ["config", "uploadpack.allowAnySHA1InWant", "true"]
    repository.server.sandbox.output("git", "-C", repository.path, *setting)

    sandbox = run_sandbox(environment=cloning(repository, lost))

    assert content(sandbox) == "lost"


def test_an_unknown_ref_is_reported(run_sandbox: RunSandbox, repository: Repository) -> None:
    sandbox = run_sandbox(wait=False, environment=cloning(repository, "nowhere"))

    assert_failed(sandbox, "no branch, tag or commit nowhere")


@pytest.mark.parametrize("way", ["variable", "address"])
def test_a_wrong_credential_is_reported_and_not_shown(
    run_sandbox: RunSandbox, closed: Repository, way: str
) -> None:
    environment = {
        "variable": {"ITERATE_REPO_URL": closed.url(), "ITERATE_REPO_TOKEN": "wrong-horse"},
        "address": {"ITERATE_REPO_URL": closed.url(credentials="me:wrong-horse")},
    }[way]

    sandbox = run_sandbox(wait=False, environment=environment)

    assert_failed(sandbox, "Authentication failed", closed.url())
    assert "wrong-horse" not in sandbox.logs()


def test_an_unreachable_server_is_reported(run_sandbox: RunSandbox) -> None:
    url = "http://me:wrong-horse@127.0.0.1:1/x.git"

    sandbox = run_sandbox(wait=False, environment={"ITERATE_REPO_URL": url})

    assert_failed(sandbox, "http://127.0.0.1:1/x.git")
    assert "wrong-horse" not in sandbox.logs()


def test_a_restart_brings_the_new_commit(run_sandbox: RunSandbox, repository: Repository) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    repository.commit({"file.txt": "second"})

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "second"
    assert [line.split()[2] for line in sandbox.lines(STEP)] == ["cloned", "updated"]


def test_a_restart_follows_a_branch_that_was_rewritten(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    repository.commit({"file.txt": "rewritten"}, amend=True)

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "rewritten"


def test_uncommitted_work_is_kept(run_sandbox: RunSandbox, repository: Repository) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    sandbox.write(f"{REPOSITORY}/file.txt", "mine")
    sandbox.write(f"{REPOSITORY}/new.txt", "mine")
    repository.commit({"file.txt": "second"})

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "mine"
    assert sandbox.read(f"{REPOSITORY}/new.txt") == "mine"
    _, line = sandbox.lines(STEP)
    assert "kept with 2 uncommitted changes: main at " in line


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_committed_work_is_kept_and_reported(
    run_sandbox: RunSandbox, repository: Repository, is_rewritten: bool
) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    sandbox.write(f"{REPOSITORY}/file.txt", "mine")
    git(sandbox, "commit", "--quiet", "--all", "--message=mine")
    repository.commit({"file.txt": "second"}, amend=is_rewritten)

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "mine"
    _, line = sandbox.lines(STEP)
    assert ", with 1 local commit " in line


def test_installed_dependencies_do_not_count_as_work(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    sandbox.shell(f"mkdir {REPOSITORY}/node_modules; touch {REPOSITORY}/node_modules/x")
    repository.commit({"file.txt": "second"})

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "second"
    assert sandbox.has(f"{REPOSITORY}/node_modules/x")


def test_a_machine_that_has_its_repository_starts_without_the_server(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    repository.remove()

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "first"
    assert "no update could be fetched" in sandbox.lines(STEP)[1]


def test_a_stale_lock_does_not_stop_an_update(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    sandbox = run_sandbox(environment=cloning(repository))
    sandbox.output("touch", f"{REPOSITORY}/.git/index.lock")
    repository.commit({"file.txt": "second"})

    sandbox.restart().wait_until_healthy()

    assert content(sandbox) == "second"


def test_a_clone_from_a_silent_server_can_be_stopped(
    run_sandbox: RunSandbox, closed: Repository
) -> None:
    environment = {"ITERATE_REPO_URL": closed.url(below="/silent")}
    sandbox = run_sandbox(wait=False, environment=environment)
    eventually(lambda: requested(closed, "GET"), "the clone is under way")

    stopped = sandbox.stop()

    assert stopped.code == 0
    assert stopped.seconds < 5
    assert sandbox.logs() == "entry: stopped by SIGTERM during repository\n"


def test_an_interrupted_clone_is_finished_by_the_next_start(
    run_sandbox: RunSandbox, repository: Repository, held: GitServer
) -> None:
    url = repository.url(below="/held")
    sandbox = run_sandbox(wait=False, environment={"ITERATE_REPO_URL": url})
    eventually(lambda: requested(repository, "POST"), "the clone is under way")
    begun = time.monotonic()
    sandbox.engine.kill(sandbox.container)
    sandbox.wait_until_ended()
    assert time.monotonic() - begun < 5
    held.release()

    sandbox.start().wait_until_healthy()

    assert content(sandbox) == "first"
    assert git(sandbox, "status", "--porcelain") == ""


def test_it_may_be_in_another_directory(run_sandbox: RunSandbox, repository: Repository) -> None:
    folder = "/home/node/elsewhere"

    sandbox = run_sandbox(environment=cloning(repository) | {"ITERATE_REPO_DIR": folder})

    assert sandbox.read(f"{folder}/file.txt") == "first"
    assert sandbox.has(f"{REPOSITORY}/sandbox/Dockerfile")
    assert sandbox.json("/api/info")["repository"]["folder"] == folder


def test_a_directory_with_foreign_files_is_left_alone(
    run_sandbox: RunSandbox, repository: Repository
) -> None:
    environment = cloning(repository) | {"ITERATE_REPO_DIR": "/home/node"}

    sandbox = run_sandbox(wait=False, environment=environment)

    assert_failed(sandbox, "/home/node has files and is not a git checkout")
    assert sandbox.has("/home/node/repo/sandbox/Dockerfile")
