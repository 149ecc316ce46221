"""The log of Daytona's builder, followed in a thread while the state is polled.

The stream may be late, break and return, and never ends if the build fails. Only the state tells
that a build is over; then the stream is cut.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx

from os2cli.core.errors import NotAuthorised, NotFound, Os2Error
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, FAST
from os2cli.providers.daytona.api.wire import UrlAnswer, read

TAIL_LINES = 20
AGAIN_SECONDS, CUT_SECONDS = 0.2, 0.5
_DOING = "reading the build log"
# A build step may be silent for any time.
_FOLLOW_TIMEOUT = httpx.Timeout(None, connect=FAST.connect_seconds)


class BuildLog:
    """The log of one build; ``tail`` holds its last lines."""

    def __init__(self, client: DaytonaClient, snapshot_id: str) -> None:
        self.client = client
        self.snapshot_id = snapshot_id
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._seen = 0
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self._quiet = threading.Condition()
        self._response: httpx.Response | None = None

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines so far, oldest first."""
        return tuple(self._tail)

    @contextmanager
    def followed(self, on_line: Callable[[str], None]) -> Iterator[None]:
        """Pass each line on while inside; cut the stream at the end."""
        thread = threading.Thread(target=self._follow, args=(on_line,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._cut()
            # A thread that still waits for an address is left to itself.
            thread.join(timeout=CUT_SECONDS)

    def drain(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Wait for the last lines, until the stream ends or is quiet for ``quiet_seconds``."""
        deadline = time.monotonic() + at_most_seconds
        with self._quiet:
            while not self._ended.is_set():
                left = deadline - time.monotonic()
                if left <= 0 or not self._quiet.wait(min(quiet_seconds, left)):
                    return

    def _follow(self, on_line: Callable[[str], None]) -> None:
        while not self._stopped.is_set():
            pause = AGAIN_SECONDS
            try:
                if self._read_once(on_line):
                    break
            except NotAuthorised:
                break  # repeated 401s block this address
            except Os2Error as error:
                pause = error.details.get("retry_after_seconds", pause)
            # RuntimeError, ValueError: the connection was just cut.
            except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, ValueError):
                pass
            self._stopped.wait(pause)
        self._ended.set()
        with self._quiet:
            self._quiet.notify_all()

    def _read_once(self, on_line: Callable[[str], None]) -> bool:
        """Read the stream to its end; False if there is none yet."""
        path = f"/snapshots/{self.snapshot_id}/build-logs-url"
        answer = self.client.get(path, doing=_DOING, policy=FAST)
        address = read(UrlAnswer, answer, _DOING).url
        http = self.client.connections_for(address)
        url = httpx.URL(address).copy_merge_params({"follow": "true"})
        with http.stream("GET", url, timeout=_FOLLOW_TIMEOUT) as response:
            self._response = response
            if response.status_code in (401, 403):
                return True
            if self._stopped.is_set() or not response.is_success:
                return False
            for number, line in enumerate(response.iter_lines()):
                # A stream that broke restarts from the first line.
                if number >= self._seen:
                    self._seen += 1
                    self._take(self.client.redact(line.rstrip()), on_line)
        return True

    def _take(self, line: str, on_line: Callable[[str], None]) -> None:
        if not line:
            return
        self._tail.append(line)
        on_line(line)
        with self._quiet:
            self._quiet.notify_all()

    def _cut(self) -> None:
        """Shut the socket down: closing it would not wake a thread that waits for a line."""
        response = self._response
        stream = response.extensions.get("network_stream") if response else None
        raw = stream.get_extra_info("socket") if stream else None
        if raw is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)


def read_log(client: DaytonaClient, snapshot_id: str) -> Iterator[str]:
    """Return the lines so far; raises ``NotFound`` if there is no log."""
    path = f"/snapshots/{snapshot_id}/build-logs-url"
    address = read(UrlAnswer, client.get(path, doing=_DOING), _DOING).url
    http = client.connections_for(address)
    timeout = httpx.Timeout(DEFAULT.answer_seconds, connect=DEFAULT.connect_seconds)
    try:
        answer = http.get(address, timeout=timeout)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        hint = "retry: build logs are on another server than the API"
        raise client.connection_error(_DOING, address, error, hint=hint) from error
    if not answer.is_success:
        raise NotFound(
            f"{_DOING} failed: HTTP {answer.status_code}",
            hint="Daytona keeps build logs only for a while",
            code="log_not_found",
        )
    return iter([client.redact(line.rstrip()) for line in answer.text.splitlines()])
