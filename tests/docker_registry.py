"""Debian's docker-registry on a free port of loopback, its images in a temporary folder."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import bcrypt
import httpx

PROGRAM = "docker-registry"
START_SECONDS = 20.0
POLL_SECONDS = 0.02

_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: {secret}}}
auth: {auth}
"""


@dataclass(frozen=True, slots=True)
class Login:
    """Who may use the registry."""

    username: str
    password: str

    @property
    def auth_config(self) -> dict[str, str]:
        """The login as the engine takes it."""
        return {"username": self.username, "password": self.password}

    @property
    def basic(self) -> tuple[str, str]:
        """The login as a client of HTTP takes it."""
        return self.username, self.password


class DockerRegistry:
    """The registry, which runs while in its block.

    ``auth`` writes the part of its configuration that says who may do what, as YAML; it gets a
    folder of its own for files, and the registry's ``host`` is known by then.
    """

    def __init__(self, auth: Callable[[Path], str]) -> None:
        self.host = ""
        self._auth = auth
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        program = find_program()
        self._folder = Path(tempfile.mkdtemp(prefix="os2-test-registry-"))
        try:
            self._start(program)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self, program: str) -> None:
        port = _free_port()
        self.host = f"127.0.0.1:{port}"
        config = self._folder / "config.yml"
        config.write_text(
            _CONFIG.format(
                root=self._folder / "data",
                port=port,
                secret=secrets.token_hex(16),
                auth=self._auth(self._folder),
            )
        )
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "serve", str(config)], stdout=log, stderr=subprocess.STDOUT
            )
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(trust_env=False) as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    # 401: it requires a login.
                    if client.get(f"http://{self.host}/v2/").status_code == 401:
                        return
                except httpx.TransportError:
                    time.sleep(POLL_SECONDS)
        log = (self._folder / "log").read_text(errors="replace")
        raise RuntimeError(f"{PROGRAM} did not start:\n{log}")

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def for_logins(*logins: Login) -> Callable[[Path], str]:
    """Return an ``auth`` that lets in who has one of these logins, for everything."""

    def auth(folder: Path) -> str:
        file = folder / "htpasswd"
        file.write_text("".join(_htpasswd(login) for login in logins))
        return f"{{htpasswd: {{realm: daytona, path: {file}}}}}"

    return auth


def find_program() -> str:
    """Where the registry's program is: ``OS2_TEST_REGISTRY``, else on the PATH.

    Raises:
        RuntimeError: there is none.
    """
    program = os.environ.get("OS2_TEST_REGISTRY") or shutil.which(PROGRAM)
    if not program or not Path(program).is_file():
        raise RuntimeError(
            f"no {PROGRAM}: OS2_TEST_REGISTRY names none and it is not on the PATH; "
            "run the suite with: nox -s e2e"
        )
    return program


def _htpasswd(login: Login) -> str:
    # The least work that bcrypt knows: the engine logs in once for every layer.
    hashed = bcrypt.hashpw(login.password.encode(), bcrypt.gensalt(rounds=4)).decode()
    return f"{login.username}:{hashed}\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
