"""The web UI as its user serves it: `os2 ui` as a process, and a browser's requests."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.command import Os2
from tests.polling import until

END_SECONDS = 60
FINAL = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Site:
    """A running `os2 ui`; ``url`` holds the token, which works once.

    ``cookies`` are those of the visitor that used it, for the next.
    """

    process: subprocess.Popen[str]
    url: str
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    used: list[str] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The URL below which its pages are; without a slash at its end."""
        return self.url.partition("/?")[0]

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return self.home.rpartition("/")[0]

    @property
    def base(self) -> str:
        """The path below which its pages are."""
        return f"/{self.home.rpartition('/')[2]}"

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.origin.rpartition(":")[2])

    def way_in(self) -> str:
        """Return a URL that signs a browser in: the first one, then the next of its terminal."""
        self.used.append(self.following_url() if self.used else self.url)
        return self.used[-1]

    def following_url(self) -> str:
        """Read the next URL from its terminal, once a browser has used the last one."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "for another: " in line:
                return line.partition("for another: ")[2].strip()
        raise AssertionError("it ended")

    def end(self, signum: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Stop it; return its exit code and stderr."""
        self.process.send_signal(signum)
        _, errors = self.process.communicate(timeout=END_SECONDS)
        return self.process.returncode, errors


@contextmanager
def serving(os2: Os2, *options: str) -> Iterator[Site]:
    """Run `os2 ui` while inside."""
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
    """A signed-in browser, as far as requests go; it records every response."""

    def __init__(self, site: Site, *, entering: bool = True) -> None:
        # Without an empty context, httpx would load every CA certificate.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(base_url=site.home, trust_env=False, timeout=30, verify=nobody)
        self.site = site
        self.texts: list[str] = []
        self.event_hooks = {"response": [self._keep]}
        self.entering = entering

    def __enter__(self) -> Self:
        super().__enter__()
        if self.entering and not self.site.cookies:
            assert self.get(self.site.url).status_code == 303
            self.site.cookies.update(self.cookies)
        elif self.entering:
            self.cookies.update(self.site.cookies)
        return self

    def _keep(self, answer: httpx.Response) -> None:
        if "event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
            self.texts.append(f"{answer.headers} {answer.text}")

    def below(self, path: str) -> str:
        """Return a path that the page uses as a path below its home."""
        assert path.startswith(f"{self.site.base}/"), path
        return path.removeprefix(self.site.base)

    def send_form(self, path: str, **fields: Any) -> httpx.Response:
        """Submit a form as the scripts of the page do."""
        headers = {"Origin": self.site.origin, "Accept": "application/json"}
        return self.post(path, data=fields, headers=headers)

    def begin(self, path: str, **fields: Any) -> str:
        """Submit a form that starts a job, and return the URL of the job."""
        answer = self.send_form(path, **fields)
        assert answer.status_code == 202, answer.text
        return self.below(answer.json()["job"]["url"])

    def job(self, url: str) -> dict[str, Any]:
        """Return the state of a job."""
        answer = self.get(url, headers={"Accept": "application/json"})
        return dict(answer.json())

    def ended(self, url: str, seconds: float = 20) -> dict[str, Any]:
        """Return the final state of a job."""
        return dict(until(lambda: (now := self.job(url))["state"] in FINAL and now, seconds))

    def events(self, url: str, **headers: str) -> Iterator[tuple[int, str, Any]]:
        """Return all events of a job with their numbers."""
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
