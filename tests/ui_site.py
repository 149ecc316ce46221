"""The web UI as users run it: `os2 ui` in a process of its own, and a browser's requests."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.command import Os2
from tests.polling import until

END_SECONDS = 60
FINAL = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Site:
    """A running `os2 ui`; ``url`` holds the token."""

    process: subprocess.Popen[str]
    url: str

    @property
    def origin(self) -> str:
        """The origin, without the token."""
        return self.url.partition("/?")[0]

    @property
    def port(self) -> int:
        """The port."""
        return int(self.origin.rpartition(":")[2])

    def end(self, signum: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End the process; return its exit code and stderr."""
        self.process.send_signal(signum)
        _, errors = self.process.communicate(timeout=END_SECONDS)
        return self.process.returncode, errors


@contextmanager
def serving(os2: Os2, *options: str) -> Iterator[Site]:
    """Run `os2 ui` while in the block."""
    process = os2.start("ui", "--no-open", *options)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.stderr and process.stderr.read()
        yield Site(process, url)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


class Visitor(httpx.Client):
    """The requests of a signed-in browser; every response is recorded."""

    def __init__(self, site: Site, *, entering: bool = True) -> None:
        # Without an empty context it would read every authority first.
        no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(base_url=site.origin, trust_env=False, timeout=30, verify=no_authorities)
        self.site = site
        self.texts: list[str] = []
        self.event_hooks = {"response": [self._keep]}
        self.entering = entering

    def __enter__(self) -> Self:
        super().__enter__()
        if self.entering:
            assert self.get(self.site.url).status_code == 303
        return self

    def _keep(self, answer: httpx.Response) -> None:
        if "event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
            self.texts.append(f"{answer.headers} {answer.text}")

    def send_form(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form as the page's scripts do."""
        headers = {"Origin": self.site.origin, "Accept": "application/json"}
        return self.post(path, data=fields, headers=headers)

    def begin(self, path: str, **fields: Any) -> str:
        """Send a form that starts a job; return the job's path."""
        answer = self.send_form(path, **fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job"]["url"])

    def job(self, url: str) -> dict[str, Any]:
        """Return the state of a job."""
        answer = self.get(url, headers={"Accept": "application/json"})
        return dict(answer.json())

    def ended(self, url: str, seconds: float = 20) -> dict[str, Any]:
        """Wait for a job; return its final state."""
        return dict(until(lambda: (now := self.job(url))["state"] in FINAL and now, seconds))

    def events(self, url: str, **headers: str) -> Iterator[tuple[int, str, Any]]:
        """Yield the events of a job with their numbers until its end."""
        with self.stream("GET", f"{url}/events", headers=headers) as answer:
            number, kind = 0, ""
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "event":
                    kind = value
                elif name == "data":
                    yield number, kind, json.loads(value)
