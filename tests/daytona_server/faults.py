"""What can go wrong on the way: queued per request, used up in order."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happens to a request.

    ``status`` with ``body`` (JSON unless bytes or text), ``headers`` and ``content_type`` answers
    instead of the server. The others are about the connection: ``drop`` closes it before anything
    is handled, ``lose_answer`` handles everything and then closes it, ``hang`` handles nothing and
    holds it for that number of seconds, ``truncate`` sends half of the body under the full length,
    ``delay`` handles it after that number of seconds, ``cut`` closes it after that number of bytes
    of the answer's body, or of a WebSocket's data.
    """

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    drop: bool = False
    lose_answer: bool = False
    hang: float | None = None
    truncate: bool = False
    delay: float = 0.0
    cut: int | None = None


@dataclass(slots=True)
class _Rule:
    method: str
    pattern: re.Pattern[str]
    fault: Fault
    times: int


class Faults:
    """The queue; a rule is used up after ``times`` matching requests."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(self, method: str, pattern: str, fault: Fault, times: int) -> None:
        """Let the next ``times`` requests of ``method`` whose path matches meet ``fault``."""
        with self._lock:
            self._rules.append(_Rule(method.upper(), re.compile(pattern), fault, times))

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault of the first rule that matches, and use it up."""
        with self._lock:
            for rule in self._rules:
                if rule.method in ("*", method) and rule.pattern.fullmatch(path):
                    rule.times -= 1
                    if rule.times <= 0:
                        self._rules.remove(rule)
                    return rule.fault
        return None

    @property
    def left(self) -> int:
        """How many faults have not been met yet."""
        return sum(rule.times for rule in self._rules)


def given_answer(fault: Fault) -> Response:
    """Return the response of a fault with a status."""
    assert fault.status is not None
    headers = dict(fault.headers)
    if isinstance(fault.body, str | bytes):
        return Response(fault.body, fault.status, headers, fault.content_type or "text/plain")
    if fault.content_type is not None:
        return Response(json.dumps(fault.body), fault.status, headers, fault.content_type)
    if fault.body is None:
        return Response(b"", fault.status, headers)
    return JSONResponse(fault.body, fault.status, headers)
