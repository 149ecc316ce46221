"""The page in a real browser: Chromium in a container that shares a machine's network."""

from __future__ import annotations

import os

import docker
import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import LABELS, Sandbox

pytestmark = pytest.mark.engine

HELLO = {
    "hello/run": "#!/bin/sh\nexec 2>&1\nexec node server.cjs\n",
    "hello/server.cjs": (
        'require("node:http").createServer((_, answer) => answer.end("hello from a service"))'
        '.listen(4000, "127.0.0.1");\n'
    ),
    "hello/metadata.json": '{"displayName": "Hello", "port": 4000, "hasWebUI": true}\n',
}
DEADLINE_SECONDS = 120


@pytest.fixture
def browsed(run_sandbox: RunSandbox) -> Sandbox:
    """A machine with a service that has a page of its own."""
    sandbox = run_sandbox(environment={"OS2_MACHINE_NAME": "browsed"})
    sandbox.put("/run/os2/services", HELLO)
    sandbox.output("s6-svscanctl", "-a", "/run/os2/services")
    return sandbox


def browser_image() -> str:
    """The image with the browser, which ``nox -s e2e`` builds."""
    image = os.environ.get("OS2_TEST_BROWSER")
    if not image:
        pytest.fail("OS2_TEST_BROWSER names no image; run the suite with: nox -s e2e")
    return image


def test_a_person_sees_and_operates_the_page(engine: docker.APIClient, browsed: Sandbox) -> None:
    beside = f"container:{browsed.container}"
    container = engine.create_container(
        browser_image(),
        labels=LABELS,
        # Chromium keeps its pictures in shared memory, of which containers have little.
        host_config=engine.create_host_config(
            network_mode=beside, pid_mode=beside, shm_size="512m", init=True
        ),
    )["Id"]
    try:
        engine.start(container)
        status = engine.wait(container, timeout=DEADLINE_SECONDS)["StatusCode"]
        written = engine.logs(container).decode()
    finally:
        engine.remove_container(container, force=True, v=True)
    assert status == 0, written
    assert "# skipped 0" in written
