"""The log of Daytona's builder, followed in a thread while the state is polled.

The stream may be late, break and return, and never ends if the build fails. Only the state tells
that a build is over; then the stream is cut. Builds of the same text and context share one file, to
which each appends: the lines before the last build are another's.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import httpx

from os2cli.core.deadline import within
from os2cli.core.errors import NotAuthorised, NotFound, Os2Error
from os2cli.host.network.bounded import opened
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SnapshotAnswer, UrlAnswer, read
from os2cli.providers.log_lines import Tail, split_lines

TAIL_LINES = 20
CUT_SECONDS = 0.5
HEAD_SECONDS = 15.0
# For all lines so far, which are not followed.
LOG_SECONDS = 120.0
MAX_LINES = 1_000_000
# Each question costs the API several: a log that is not there yet is asked for less and less often.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
HURRIED_PAUSE = 0.2
_DOING = "reading the build log"
# A build step may be silent for any time.
_FOLLOW_TIMEOUT = httpx.Timeout(None, connect=FAST.connect_seconds)


class BuildLog:
    """The log of one build; ``tail`` holds its last lines."""

    def __init__(self, client: DaytonaClient, snapshot_id: str) -> None:
        self.client = client
        self.snapshot_id = snapshot_id
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._first: str | None = None
        self._seen: int | None = None
        self._asking = False
        self._stopped = threading.Event()
        self._ended = threading.Event()
        # Set when the build is over: the rest of its log is awaited.
        self._hurried = threading.Event()
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
            self._hurried.set()
            self._cut()
            # A thread that still waits for an address is left to itself.
            thread.join(timeout=CUT_SECONDS)

    def drain(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Wait for the last lines, until the stream ends or is quiet for ``quiet_seconds``."""
        deadline = time.monotonic() + at_most_seconds
        self._hurried.set()
        with self._quiet:
            while not self._ended.is_set():
                left = deadline - time.monotonic()
                # While the log is asked for, it is not quiet.
                heard = self._quiet.wait(min(quiet_seconds, left)) if left > 0 else False
                if left <= 0 or not (heard or self._asking):
                    return

    def _follow(self, on_line: Callable[[str], None]) -> None:
        failures = 0
        while not self._stopped.is_set():
            before = self._seen
            pause = 0.0
            try:
                if self._read_once(on_line):
                    break
            except NotAuthorised:
                break  # repeated 401s block this address
            except Os2Error as error:
                pause = error.details.get("retry_after_seconds", 0.0)
            # RuntimeError, ValueError: the connection was just cut.
            except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, ValueError):
                pass
            finally:
                self._asking = False
            failures = 1 if self._seen != before else failures + 1
            self._pause(failures, pause)
        self._ended.set()
        self._notify()

    def _pause(self, failures: int, at_least: float) -> None:
        """Wait before the log is asked for again; the end of the build shortens that."""
        if at_least:
            self._stopped.wait(at_least)
        elif not self._hurried.wait(PAUSES[min(failures, len(PAUSES)) - 1]):
            return
        else:
            self._stopped.wait(HURRIED_PAUSE)

    def _read_once(self, on_line: Callable[[str], None]) -> bool:
        """Read the stream to its end; False if there is none yet."""
        self._asking = True
        address = _address(self.client, self.snapshot_id, FAST)
        http = self.client.connections_for(address)
        if self._seen is None:
            with opened(
                http, "GET", address, seconds=HEAD_SECONDS, timeout=_timeout(FAST)
            ) as before:
                if before.status_code in (401, 403):
                    return True
                if not before.is_success:
                    return False
                with within(LOG_SECONDS):
                    self._skip(_lines(before))
        url = str(httpx.URL(address).copy_merge_params({"follow": "true"}))
        with opened(http, "GET", url, seconds=HEAD_SECONDS, timeout=_FOLLOW_TIMEOUT) as response:
            self._response = response
            if response.status_code in (401, 403):
                return True
            if self._stopped.is_set() or not response.is_success:
                return False
            self._asking = False
            for number, line in enumerate(_lines(response)):
                # A stream that broke restarts from the first line.
                if number >= (self._seen or 0):
                    self._seen = number + 1
                    self._take(self.client.redact(line.rstrip()), on_line)
        return True

    def _skip(self, lines: Iterable[str]) -> None:
        """Leave out the lines of earlier builds: while this one is pending, that is all of them."""
        self._first, count, last = last_build(lines)
        path = f"/snapshots/{self.snapshot_id}"
        answer = read(SnapshotAnswer, self.client.get(path, doing=_DOING, policy=FAST), _DOING)
        self._seen = count if answer.state == "pending" else last

    def _take(self, line: str, on_line: Callable[[str], None]) -> None:
        if not line:
            return
        if line == self._first:
            self._tail.clear()  # another build began
        self._first = self._first or line
        self._tail.append(line)
        on_line(line)
        self._notify()

    def _notify(self) -> None:
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


def last_build(lines: Iterable[str]) -> tuple[str | None, int, int]:
    """Return a log's first line, its length, and where its last build begins: all begin alike."""
    first, count, last = None, 0, 0
    for line in map(str.rstrip, lines):
        first = first or line or None
        if line and line == first:
            last = count
        count += 1
    return first, count, last


def read_log(client: DaytonaClient, snapshot_id: str) -> Iterator[str]:
    """Yield the lines of the last build so far; raises ``NotFound`` if there is no log."""
    address = _address(client, snapshot_id, DEFAULT)
    http = client.connections_for(address)
    build = Tail(MAX_LINES)
    first: str | None = None
    try:
        with (
            within(LOG_SECONDS),
            opened(http, "GET", address, seconds=HEAD_SECONDS, timeout=_timeout(DEFAULT)) as answer,
        ):
            if not answer.is_success:
                raise NotFound(
                    f"{_DOING} failed: HTTP {answer.status_code}",
                    hint="Daytona keeps build logs only for a while",
                    code="log_not_found",
                )
            for line in map(str.rstrip, _lines(answer)):
                first = first or line or None
                if line and line == first:
                    build = Tail(MAX_LINES)  # of an earlier build, nothing is shown
                build.add(client.redact(line))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        hint = "retry: build logs are on another server than the API"
        raise client.connection_error(_DOING, address, error, hint=hint) from error
    return iter(build.lines())


def _lines(answer: httpx.Response) -> Iterator[str]:
    """Yield the lines of a log as they come; one without an end is cut."""
    return split_lines(answer.iter_bytes())


def _address(client: DaytonaClient, snapshot_id: str, policy: RetryPolicy) -> str:
    path = f"/snapshots/{snapshot_id}/build-logs-url"
    return read(UrlAnswer, client.get(path, doing=_DOING, policy=policy), _DOING).url


def _timeout(policy: RetryPolicy) -> httpx.Timeout:
    return httpx.Timeout(policy.answer_seconds, connect=policy.connect_seconds)
