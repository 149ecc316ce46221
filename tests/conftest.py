"""Guards for every test: an empty environment, a home of its own, and no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

DAYTONA_VERSION = "OS2_TEST_DAYTONA_VERSION"
# What a test process itself needs; a test sets everything else itself.
KEPT_VARIABLES = (
    "PATH",
    "LANG",
    "TMPDIR",
    "OS2_TEST_IMAGE",
    "OS2_TEST_BROWSER",
    "OS2_TEST_ENGINE",
    "OS2_TEST_REGISTRY",
    "OS2_TEST_SEED",
    "OS2_TEST_SECONDS",
    DAYTONA_VERSION,
)
# Time measures the host's load, not the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def clean_environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Remove the developer's own settings; tests on an engine keep the engine's address."""
    kept = {*KEPT_VARIABLES, "PYTEST_CURRENT_TEST"}
    if request.node.get_closest_marker("engine"):
        kept |= {"DOCKER_HOST", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
    if request.node.get_closest_marker("hosted"):
        # Without it the test server plays the hosted version.
        kept -= {DAYTONA_VERSION}
    for name in set(os.environ) - kept:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when a test connects to another host."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            host = address[0]
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                raise AssertionError(f"a test reached for {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
