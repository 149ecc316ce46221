"""Git repositories served over HTTP from a container, for machines to clone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.sandbox_image.sandbox import Sandbox, eventually

PASSWORD = "correct-horse-battery"
SCRIPT = Path(__file__).with_name("git_server.js")
LISTENING = '{"listening":800'


@dataclass(frozen=True)
class Repository:
    """A bare repository and a checkout to change it with, both on the server."""

    server: GitServer
    name: str

    @property
    def path(self) -> str:
        """The bare repository's directory."""
        return f"/srv/{self.name}.git"

    @property
    def _work(self) -> str:
        return f"/srv/work/{self.name}"

    @property
    def _new(self) -> str:
        return f"/srv/new/{self.name}"

    def url(self, *, below: str = "", credentials: str = "") -> str:
        """Return its URL for machines; ``below`` is a directory with special behaviour."""
        at = f"{credentials}@" if credentials else ""
        return f"http://{at}{self.server.host}{below}/{self.name}.git"

    def commit(self, files: Mapping[str, str], branch: str = "main", *, amend: bool = False) -> str:
        """Publish a commit that adds or changes these files; return its hash."""
        self.server.sandbox.put(self._new, files)
        return self.server.sandbox.shell(
            f"""
            cd {self._work}
            git switch --quiet {branch} 2>/dev/null || git switch --quiet --create {branch}
            cp -R {self._new}/. .
            git add --all
            git commit --quiet --message='a change' {"--amend" if amend else ""}
            git push --quiet {"--force" if amend else ""} origin {branch}
            git rev-parse HEAD
            """
        )

    def tag(self, name: str) -> None:
        """Publish an annotated tag of the last commit."""
        self.git("tag", "--annotate", "--message=a tag", name)
        self.git("push", "--quiet", "origin", name)

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        return self.server.sandbox.output("git", "-C", self._work, *arguments)

    def remove(self) -> None:
        """Remove it from the server."""
        self.server.sandbox.output("rm", "-rf", self.path)

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests for it, each with its user and password."""
        seen = [json.loads(line) for line in self.server.sandbox.lines('{"port"')]
        return [request for request in seen if f"/{self.name}.git" in request["path"]]


@dataclass(frozen=True)
class GitServer:
    """The server's container."""

    sandbox: Sandbox

    @classmethod
    def start(cls, run: Callable[..., Sandbox]) -> Self:
        """Start a server and wait until it listens."""
        sandbox = run(
            wait=False,
            command=["node", "--eval", SCRIPT.read_text()],
            environment={"PASSWORD": PASSWORD},
        )
        eventually(lambda: len(sandbox.lines(LISTENING)) == 2, "the git server listens")
        code, text = sandbox.exec(["install", "-d", "-o", "1000", "/srv", "/srv/work"], "0")
        assert code == 0, text
        return cls(sandbox)

    @property
    def host(self) -> str:
        """Its name on the engine's network, with the port."""
        return f"{self.sandbox.inspect()['NetworkSettings']['IPAddress']}:8000"

    def repository(self, *, is_open: bool = False) -> Repository:
        """Create an empty repository; an open one needs no password."""
        name = f"{'open' if is_open else 'closed'}-{uuid.uuid4().hex[:8]}"
        made = Repository(self, name)
        self.sandbox.shell(
            f"""
            git init --quiet --bare {made.path}
            git clone --quiet {made.path} /srv/work/{name} 2>/dev/null
            mkdir -p /srv/new/{name}
            """
        )
        return made

    def hold(self) -> None:
        """Hold requests below ``/held/`` from now on."""
        self.sandbox.output("touch", "/tmp/hold")

    def release(self) -> None:
        """Release the held requests."""
        self.sandbox.output("rm", "-f", "/tmp/hold")
