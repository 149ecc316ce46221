"""The page as its user serves it: `os2 ui` in a process of its own, and a browser's requests."""

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
    """A page that is served; ``url`` holds the token."""

    process: subprocess.Popen[str]
    url: str

    @property
    def origin(self) -> str:
        """Where it is, without the token."""
        return self.url.partition("/?")[0]

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.origin.rpartition(":")[2])

    def end(self, signum: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End it; its exit status, and what it wrote on stderr."""
        self.process.send_signal(signum)
        _, errors = self.process.communicate(timeout=END_SECONDS)
        return self.process.returncode, errors


@contextmanager
def serving(os2: Os2, *options: str) -> Iterator[Site]:
    """Serve it while inside."""
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
    """A browser that has come in, as far as requests go; each answer is kept."""

    def __init__(self, site: Site, *, entering: bool = True) -> None:
        # Without an empty context it would read every authority first.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(base_url=site.origin, trust_env=False, timeout=30, verify=nobody)
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
        """Send a form as our scripts do."""
        headers = {"Origin": self.site.origin, "Accept": "application/json"}
        return self.post(path, data=fields, headers=headers)

    def begin(self, path: str, **fields: Any) -> str:
        """Send a form that begins a job, and give the job's address."""
        answer = self.send_form(path, **fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job"]["url"])

    def job(self, url: str) -> dict[str, Any]:
        """What a job is at."""
        answer = self.get(url, headers={"Accept": "application/json"})
        return dict(answer.json())

    def ended(self, url: str, seconds: float = 20) -> dict[str, Any]:
        """What a job came to."""
        return dict(until(lambda: (now := self.job(url))["state"] in FINAL and now, seconds))

    def events(self, url: str, **headers: str) -> Iterator[tuple[int, str, Any]]:
        """The events of a job, with their numbers, to the last."""
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
