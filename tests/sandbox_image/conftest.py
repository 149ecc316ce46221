"""Containers of the sandbox image; all are removed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine import engine_endpoint, sandbox_image
from tests.sandbox_image.git_server import GitServer
from tests.sandbox_image.sandbox import Sandbox

# Creates a container; `wait=False` returns at once, other keywords are those of `Sandbox`.
RunSandbox = Callable[..., Sandbox]


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.APIClient]:
    """The SDK's connection to the engine."""
    client = docker.APIClient(base_url=engine_endpoint().url, version="auto")
    yield client
    client.close()


@contextmanager
def runner(engine: docker.APIClient) -> Iterator[RunSandbox]:
    image = sandbox_image()
    with ExitStack() as stack:

        def run(*, wait: bool = True, **settings: Any) -> Sandbox:
            sandbox = Sandbox(engine, **{"image": image, **settings})
            stack.callback(sandbox.remove)
            sandbox.start()
            return sandbox.wait_until_healthy() if wait else sandbox

        yield run


@pytest.fixture
def run_sandbox(engine: docker.APIClient, clean_environment: None) -> Iterator[RunSandbox]:
    """Start machines for one test."""
    with runner(engine) as run:
        yield run


@pytest.fixture(scope="module")
def run_shared_sandbox(engine: docker.APIClient) -> Iterator[RunSandbox]:
    """Start machines that the tests of a module share and do not change."""
    with runner(engine) as run:
        yield run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty directory on this host for a machine to mount."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def git_server(run_shared_sandbox: RunSandbox) -> GitServer:
    """A git server over HTTP in its own container."""
    return GitServer.start(run_shared_sandbox)
