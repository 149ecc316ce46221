"""The page in a real browser: Chromium in a container that shares a machine's network."""

from __future__ import annotations

import re
from contextlib import suppress

import docker
import pytest

from tests.engine import browser_image
from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import LABELS, Sandbox, eventually

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
    """A machine with a service that has its own page."""
    sandbox = run_sandbox(environment={"OS2_MACHINE_NAME": "browsed"})
    sandbox.output("mkdir", "/run/os2/services/hello")  # of the machine's user, like its files
    sandbox.put("/run/os2/services", HELLO)
    sandbox.output("s6-svscanctl", "-a", "/run/os2/services")
    return sandbox


def test_the_page_can_be_read_and_used(engine: docker.APIClient, browsed: Sandbox) -> None:
    beside = f"container:{browsed.container}"
    container = engine.create_container(
        browser_image(),
        labels=LABELS,
        # Chromium renders in shared memory, of which containers have little.
        host_config=engine.create_host_config(
            network_mode=beside, pid_mode=beside, shm_size="512m", init=True
        ),
    )["Id"]

    def ended() -> bool:
        return bool(engine.inspect_container(container)["State"]["Status"] == "exited")

    try:
        engine.start(container)
        with suppress(AssertionError):  # Its output so far says more.
            eventually(ended, "the tests in the browser end", DEADLINE_SECONDS)
        written = engine.logs(container).decode()
        state = engine.inspect_container(container)["State"]
    finally:
        engine.remove_container(container, force=True, v=True)
    assert (state["Status"], state["ExitCode"]) == ("exited", 0), written
    assert re.search(r"^\S+ skipped 0$", written, re.MULTILINE)
