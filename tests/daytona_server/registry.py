"""The transient registry: a real one on loopback, with a login for pushing and one for pulling."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

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
auth: {{htpasswd: {{realm: daytona, path: {htpasswd}}}}}
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


class Registry:
    """Debian's docker-registry on a free port, its images in a temporary folder.

    ``push`` is the temporary login that ``registry-push-access`` gives, ``pull`` the platform's.
    """

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.project = f"sbox-transient-{secrets.token_hex(4)}"
        self.push = Login(f"robot$push-{secrets.token_hex(4)}", secrets.token_urlsafe(24))
        self.pull = Login("platform", secrets.token_urlsafe(24))
        self.host = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Registry:
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
        logins = self._folder / "htpasswd"
        logins.write_text("".join(_htpasswd(login) for login in (self.push, self.pull)))
        port = _free_port()
        config = self._folder / "config.yml"
        config.write_text(
            _CONFIG.format(
                root=self._folder / "data", port=port, secret=secrets.token_hex(16), htpasswd=logins
            )
        )
        self.host = f"127.0.0.1:{port}"
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

    def repositories(self) -> list[str]:
        """Return the repositories that something was pushed to."""
        with httpx.Client(trust_env=False, auth=self._basic(self.pull)) as client:
            catalog = client.get(f"http://{self.host}/v2/_catalog").raise_for_status().json()
        return list(catalog["repositories"])

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository."""
        with httpx.Client(trust_env=False, auth=self._basic(self.pull)) as client:
            answer = client.get(f"http://{self.host}/v2/{repository}/tags/list")
        return list(answer.json()["tags"] or ()) if answer.status_code == 200 else []

    @staticmethod
    def _basic(login: Login) -> tuple[str, str]:
        return login.username, login.password


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
