"""The official SDK against the Daytona test server, to prove that the server is faithful."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import httpx
import pytest

from tests.daytona_server import DaytonaServer, Registry, S3Storage, Timing
from tests.daytona_server.versions import HOSTED
from tests.engine import ENTRYPOINT, engine_endpoint, sandbox_image
from tests.polling import until

if TYPE_CHECKING:
    from daytona import Daytona, Sandbox

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """The transient registry."""
    with Registry() as registry:
        yield registry


@pytest.fixture(scope="module")
def storage() -> Iterator[S3Storage]:
    """The object store."""
    with S3Storage() as storage:
        yield storage


@pytest.fixture(scope="module")
def server(registry: Registry, storage: S3Storage) -> Iterator[DaytonaServer]:
    """A server on the real engine; the SDK can't read what older ones answer."""
    timing = Timing(pending=0.01, build=0, pull=0, create_block=5, boot=0, delete=0.05)
    engine = engine_endpoint().url
    with DaytonaServer(engine, storage, registry, timing, version=HOSTED) as server:
        yield server


@pytest.fixture(scope="module")
def sdk(server: DaytonaServer) -> Daytona:
    """The official client."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from daytona import Daytona, DaytonaConfig

        return Daytona(DaytonaConfig(api_key=server.api_key, api_url=server.url))


@pytest.fixture
def name() -> str:
    """The name of a snapshot that no other test has."""
    return f"dev-{uuid.uuid4().hex[:8]}--20260111-193045"


@pytest.fixture(scope="module")
def snapshot(sdk: Daytona, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A snapshot of the sandbox image, built by the server."""
    folder = tmp_path_factory.mktemp("dockerfile")
    name = f"dev-{uuid.uuid4().hex[:8]}--20260111-193045"
    assert build(sdk, folder, name, f"ENTRYPOINT {json.dumps(ENTRYPOINT)}").state == "active"
    return name


@pytest.fixture
def sandbox(sdk: Daytona, snapshot: str) -> Iterator[Sandbox]:
    """A sandbox that runs."""
    from daytona import CreateSandboxFromSnapshotParams

    sandbox = sdk.create(
        CreateSandboxFromSnapshotParams(
            name=f"os2-{uuid.uuid4().hex[:8]}",
            snapshot=snapshot,
            env_vars={"GREETING": "hello"},
            labels={"stage": snapshot},
            auto_stop_interval=0,
        )
    )
    yield sandbox
    sdk.delete(sandbox, wait=True)


@pytest.fixture(autouse=True)
def no_violations(server: DaytonaServer) -> Iterator[None]:
    """Check that every exchange of the SDK and the server fits the specification."""
    yield
    assert server.violations == []


def build(sdk: Daytona, folder: Path, name: str, *lines: str) -> Any:
    """Make the server build on the sandbox image, without a context."""
    from daytona import CreateSnapshotParams, Image, Resources

    dockerfile = folder / "Dockerfile"
    dockerfile.write_text("\n".join([f"FROM {sandbox_image()}", *lines, ""]))
    size = Resources(cpu=4, memory=4, disk=10)
    image = Image.from_dockerfile(dockerfile)
    return sdk.snapshot.create(CreateSnapshotParams(name=name, image=image, resources=size))


def health(url: str, headers: dict[str, str] | None = None) -> Callable[[], bool]:
    """Return whether a machine reports that it is healthy."""

    def ask() -> bool:
        answer = httpx.get(f"{url}/api/health", headers=headers, trust_env=False)
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    return ask


class TestSnapshots:
    def test_list_and_get(self, sdk: Daytona, snapshot: str) -> None:
        got = sdk.snapshot.get(snapshot)
        assert (got.cpu, got.mem, got.disk) == (4, 4, 10)
        assert got.entrypoint == ENTRYPOINT
        page = sdk.snapshot.list(limit=200)
        assert snapshot in [item.name for item in page.items]
        assert page.total == len(page.items)

    def test_delete_and_not_found(self, server: DaytonaServer, sdk: Daytona, name: str) -> None:
        from daytona import DaytonaNotFoundError

        server.add_snapshot(name)
        sdk.snapshot.delete(name)
        until(lambda: name not in [item.name for item in sdk.snapshot.list().items])
        with pytest.raises(DaytonaNotFoundError):
            sdk.snapshot.get(name)

    def test_activate(self, server: DaytonaServer, sdk: Daytona, name: str) -> None:
        server.add_snapshot(name, state="inactive")
        assert sdk.snapshot.activate(name).state == "active"

    def test_failed_build(
        self, server: DaytonaServer, sdk: Daytona, name: str, tmp_path: Path
    ) -> None:
        from daytona import DaytonaError

        with pytest.raises(DaytonaError, match="exit code: 7"):
            build(sdk, tmp_path, name, "RUN echo so far so good; exit 7")
        failed = sdk.snapshot.get(name)
        assert failed.state == "error"
        assert "exit code: 7" in (failed.error_reason or "")
        log = httpx.get(
            f"{server.origin}/logs/{failed.id}",
            headers={"Authorization": f"Bearer {server.api_key}"},
            trust_env=False,
        ).text
        assert "so far so good" in log
        assert log.startswith("#1 ")


class TestContexts:
    """How the server handles uploads; the SDK itself uploads to https only."""

    def create(self, server: DaytonaServer, name: str, dockerfile: str, *hashes: str) -> Any:
        """Create a snapshot from these contexts and wait for its end."""
        build = {"dockerfileContent": dockerfile, "contextHashes": list(hashes)}
        headers = {"Authorization": f"Bearer {server.api_key}"}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as api:
            answer = api.post("/snapshots", json={"name": name, "buildInfo": build})
            assert answer.status_code == 200, answer.text
            ended = ("active", "error")
            return until(
                lambda: (got := api.get(f"/snapshots/{name}").json())["state"] in ended and got
            )

    def test_only_regular_files_are_kept(
        self, server: DaytonaServer, storage: S3Storage, engine: docker.APIClient, name: str
    ) -> None:
        storage.put(f"{server.organization_id}/abc/context.tar", context())
        dockerfile = (
            f"FROM {sandbox_image()}\nUSER root\nCOPY . /context\n"
            "RUN cd /context && find . -type f -printf '%P %m %s\\n' -o -printf '%P other\\n' "
            "| sort > /listing && cat Dockerfile >> /listing\n"
            'ENTRYPOINT ["cat", "/listing"]\n'
        )
        snapshot = self.create(server, name, dockerfile, "abc")
        assert snapshot["state"] == "active", snapshot["errorReason"]
        image = server.snapshot(name).image
        assert image is not None
        container = engine.create_container(image, entrypoint=["cat", "/listing"])
        engine.start(container)
        engine.wait(container)
        listing = engine.logs(container).decode().splitlines()
        engine.remove_container(container)
        assert listing[: listing.index(f"FROM {sandbox_image()}")] == [
            " other",
            f"Dockerfile 644 {len(dockerfile)}",
            "bin other",
            "bin/tool 755 5",
            "hard 644 0",
            "link 777 0",
        ]

    def test_a_dockerfile_in_a_context_is_built_instead_of_the_text(
        self, server: DaytonaServer, storage: S3Storage, name: str
    ) -> None:
        text = f"FROM {sandbox_image()}\nLABEL from=context\n".encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        storage.put(f"{server.organization_id}/def/context.tar", buffer.getvalue())

        snapshot = self.create(server, name, "FROM os2-no-such-image\n", "def")

        assert snapshot["state"] == "active", snapshot["errorReason"]

    def test_missing(self, server: DaytonaServer, name: str) -> None:
        snapshot = self.create(server, name, f"FROM {sandbox_image()}\n", "nowhere")
        assert snapshot["state"] == "error"
        assert "context not found" in snapshot["errorReason"]


def context() -> bytes:
    """Return a tar with everything that a builder might lose."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, mode, target in [
            ("bin", tarfile.DIRTYPE, 0o755, ""),
            ("empty", tarfile.DIRTYPE, 0o755, ""),
            ("bin/tool", tarfile.REGTYPE, 0o755, ""),
            ("hard", tarfile.LNKTYPE, 0o644, "bin/tool"),
            ("link", tarfile.SYMTYPE, 0o777, "bin/tool"),
        ]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.linkname = kind, mode, target
            entry.size = 5 if kind == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(b"tool\n") if entry.size else None)
    return buffer.getvalue()


class TestSandboxes:
    def test_it_runs_and_its_preview_answers(self, sandbox: Sandbox) -> None:
        assert sandbox.state == "started"
        link = sandbox.get_preview_link(3000)
        token = {"x-daytona-preview-token": link.token}
        until(health(link.url, token))
        assert httpx.get(link.url, trust_env=False).status_code == 307
        page = httpx.get(link.url, headers=token, trust_env=False)
        assert page.headers["content-type"].startswith("text/html")
        until(health(sandbox.create_signed_preview_url(3000, 60).url))

    def test_get_and_list(self, sdk: Daytona, sandbox: Sandbox) -> None:
        from daytona import ListSandboxesQuery

        assert sdk.get(sandbox.name).id == sandbox.id
        found = list(sdk.list(ListSandboxesQuery(labels=sandbox.labels)))
        assert [item.id for item in found] == [sandbox.id]
        assert list(sdk.list(ListSandboxesQuery(labels={"stage": "another"}))) == []

    def test_commands_and_logs(self, sandbox: Sandbox) -> None:
        answer = sandbox.process.exec("echo $GREETING from $PWD; exit 3", cwd="/tmp")
        assert (answer.exit_code, answer.result) == (3, "hello from /tmp\n")
        until(lambda: "entry: services" in (sandbox.process.get_entrypoint_logs().output or ""))

    def test_files_stay_over_stop_and_start(
        self, server: DaytonaServer, sdk: Daytona, sandbox: Sandbox, engine: docker.APIClient
    ) -> None:
        sandbox.process.exec("echo kept > /tmp/file")
        before = sandbox.get_preview_link(3000)
        sandbox.stop()
        container = engine.inspect_container(server.sandbox_container(sandbox.id))
        assert container["State"]["Status"] == "exited"
        sandbox.archive()
        until(lambda: sdk.get(sandbox.id).state == "archived")
        sandbox.start()
        assert sandbox.process.exec("cat /tmp/file").result == "kept\n"
        after = sandbox.get_preview_link(3000)
        assert (after.url, after.token) != (before.url, before.token)
        until(health(after.url, {"x-daytona-preview-token": after.token}))

    def test_settings(self, sdk: Daytona, sandbox: Sandbox) -> None:
        sandbox.set_labels({"a": "b"})
        sandbox.set_autostop_interval(30)
        got = sdk.get(sandbox.id)
        assert (got.labels, got.auto_stop_interval) == ({"a": "b"}, 30)
        access = sandbox.create_ssh_access(5)
        assert access.token in access.ssh_command

    def test_deleted_with_its_container(
        self, server: DaytonaServer, sdk: Daytona, snapshot: str, engine: docker.APIClient
    ) -> None:
        from daytona import CreateSandboxFromSnapshotParams, DaytonaNotFoundError

        sandbox = sdk.create(CreateSandboxFromSnapshotParams(snapshot=snapshot))
        container = server.sandbox_container(sandbox.id)
        assert engine.containers(all=True, filters={"id": container})
        sdk.delete(sandbox, wait=True)
        assert not engine.containers(all=True, filters={"id": container})
        with pytest.raises(DaytonaNotFoundError):
            sdk.get(sandbox.id)

    def test_a_start_that_fails(self, server: DaytonaServer, sdk: Daytona, snapshot: str) -> None:
        from daytona import CreateSandboxFromSnapshotParams, DaytonaError

        server.fail_starts = 1
        params = CreateSandboxFromSnapshotParams(name="broken", snapshot=snapshot)
        with pytest.raises(DaytonaError, match="failed to start"):
            sdk.create(params)
        left = sdk.get("broken")
        assert left.state == "error"
        sdk.delete(left, wait=True)


class TestRegistry:
    @pytest.fixture
    def pushed(self, server: DaytonaServer, engine: docker.APIClient) -> Callable[[str], str]:
        """Push a small image with the temporary login; return its name there."""
        headers = {"Authorization": f"Bearer {server.api_key}"}
        url = f"{server.url}/docker-registry/registry-push-access"
        access = httpx.get(url, headers=headers, trust_env=False).raise_for_status().json()
        login = {"username": access["username"], "password": access["secret"]}
        repository = f"{access['registryUrl']}/{access['project']}/os2-{uuid.uuid4().hex[:12]}"

        def push(tag: str) -> str:
            engine.import_image_from_data(context(), repository=repository, tag=tag)
            events = engine.push(repository, tag=tag, stream=True, decode=True, auth_config=login)
            assert [event for event in events if "error" in event] == []
            engine.remove_image(f"{repository}:{tag}")
            return f"{repository}:{tag}"

        return push

    def test_snapshot_of_a_pushed_image(
        self, server: DaytonaServer, registry: Registry, sdk: Daytona, name: str,
        pushed: Callable[[str], str], engine: docker.APIClient,
    ) -> None:  # fmt: skip
        from daytona import CreateSnapshotParams

        image = pushed("20260111-193045")
        snapshot = sdk.snapshot.create(CreateSnapshotParams(name=name, image=image))
        assert (snapshot.state, snapshot.image_name) == ("active", image)
        assert snapshot.entrypoint == ["sleep", "infinity"]
        (repository,) = registry.repositories()
        assert registry.tags(repository) == ["20260111-193045"]
        # Our name on this engine is independent of the pusher's.
        assert engine.images(image) == []
        assert engine.inspect_image(server.snapshot(name).image or "")

    def test_one_that_was_never_pushed(self, registry: Registry, sdk: Daytona, name: str) -> None:
        from daytona import CreateSnapshotParams, DaytonaError

        image = f"{registry.host}/{registry.project}/nothing:1"
        with pytest.raises(DaytonaError, match="failed to pull image"):
            sdk.snapshot.create(CreateSnapshotParams(name=name, image=image))

    def test_without_a_login(self, registry: Registry) -> None:
        url = f"http://{registry.host}/v2/_catalog"
        assert httpx.get(url, trust_env=False).status_code == 401
        wrong = (registry.push.username, "guessed")
        assert httpx.get(url, auth=wrong, trust_env=False).status_code == 401


def test_nothing_is_left(engine: docker.APIClient) -> None:
    """Only the images and containers of a server are removed with it."""
    with DaytonaServer(engine_endpoint().url, timing=Timing(build=0, create_block=20)) as server:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        body = {"name": "one", "buildInfo": {"dockerfileContent": f"FROM {sandbox_image()}\n"}}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as api:
            api.post("/snapshots", json=body)
            until(lambda: api.get("/snapshots/one").json()["state"] == "active")
            assert api.post("/sandbox", json={"snapshot": "one"}).json()["state"] == "started"
        container = server.sandboxes[0].container
        image = server.snapshots[0].image
        assert container is not None
        assert image is not None
        assert engine.inspect_container(container)["State"]["Running"]
    assert not engine.containers(all=True, filters={"id": container})
    assert not engine.images(image)
    assert engine.inspect_image(sandbox_image())
