"""The forms that a command's log is answered in, by who asks for it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from starlette.responses import JSONResponse, Response

from tests.daytona_server.session_shell import STDERR, STDOUT

_MARK = re.compile(rb"\x01\x01\x01|\x02\x02\x02")
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_PROTOCOL = "X-Daytona-SDK-Version~"
# From here on an SDK takes marks, and from here on it wants the streams apart.
_MARKED = (0, 27, 0)
_APART = (0, 167, 0)


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("each-byte", _each_byte)


def as_json_text(data: bytes) -> str:
    """Return the text that Go's JSON makes of bytes: U+FFFD for each that is not UTF-8."""
    return data.decode(errors="each-byte")


class Asker:
    """Who asks, by its headers."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.sdk = headers.get("x-daytona-sdk-version", "") or _protocol(headers)
        found = _VERSION.match(self.sdk)
        self._version = tuple(int(part or 0) for part in found.groups()) if found else None
        self._splits = headers.get("x-daytona-split-output") == "true"

    @property
    def _is_development(self) -> bool:
        return "dev" in self.sdk

    @property
    def combined(self) -> bool:
        """Whether it gets both streams as one, without marks."""
        if not self.sdk:
            return not self._splits
        old = self._version is not None and self._version < _MARKED
        return old and not self._is_development

    @property
    def separates_itself(self) -> bool:
        """Whether it takes text with marks, since it is from before the JSON form."""
        if not self.sdk or self._is_development:
            return False
        return self._version is not None and self._version < _APART


def _protocol(headers: Mapping[str, str]) -> str:
    """Return the version that a browser can say only as a protocol of its WebSocket."""
    for word in headers.get("sec-websocket-protocol", "").split(","):
        if word.strip().startswith(_PROTOCOL):
            return word.strip().removeprefix(_PROTOCOL)
    return ""


def without_marks(log: bytes) -> bytes:
    """Return both streams as one."""
    return log.replace(STDOUT, b"").replace(STDERR, b"")


def apart(log: bytes) -> tuple[bytes, bytes]:
    """Return stdout and stderr; what comes before the first mark is neither."""
    marks = [(found.start(), found.end()) for found in _MARK.finditer(log)]
    parts: dict[bytes, list[bytes]] = {STDOUT: [], STDERR: []}
    for (start, end), (following, _) in pairwise([*marks, (len(log), len(log))]):
        parts[log[start:end]].append(log[end:following])
    return b"".join(parts[STDOUT]), b"".join(parts[STDERR])


def streams(log: bytes) -> dict[str, str]:
    """Return the three keys of the JSON form."""
    stdout, stderr = apart(log)
    return {
        "output": as_json_text(log),
        "stdout": as_json_text(stdout),
        "stderr": as_json_text(stderr),
    }


def command_log(asker: Asker, log: bytes) -> Response:
    """Return the answer with a command's log."""
    if asker.combined:
        return Response(without_marks(log), media_type="text/plain")
    return marked_log(asker, log)


def marked_log(asker: Asker, log: bytes) -> Response:
    """Return the answer with a log as it is: JSON for all but old SDKs."""
    if asker.separates_itself:
        return Response(log, media_type="text/plain")
    return JSONResponse(streams(log))


def outcome(asker: Asker, log: bytes) -> dict[str, Any]:
    """Return the same for a command that was waited for."""
    if asker.combined:
        return {"output": as_json_text(without_marks(log)), "stdout": None, "stderr": None}
    if asker.separates_itself:
        return {"output": as_json_text(log), "stdout": None, "stderr": None}
    return streams(log)
