"""What to do about a limit that the API names in a refusal."""

from __future__ import annotations

import re

from os2cli.core.errors import OperationFailed

_OPTIONS = {"cpu": "--cpu", "memory": "--memory", "disk": "--disk"}
_PER_SANDBOX = re.compile(
    r"(?i)\b(?P<what>cpu|memory|disk|gpu) request \S+ exceeds (?:the )?maximum allowed"
    r"[^(]*\((?P<limit>\d+)"
)
_TOTAL = re.compile(r"(?i)\btotal (?P<what>cpu|memory|disk|gpu) (?:limit|quota) exceeded")
_SNAPSHOTS = re.compile(r"(?i)\bsnapshot (?:limit|quota) exceeded")
_SIZE = re.compile(r"(?i)\bsize\b.* exceeds (?:the )?maximum allowed")
_OTHER = re.compile(r"(?i)\b(?:limit|quota) (?:exceeded|reached)\b|maximum allowed")


def limit_error(message: str, words: str) -> OperationFailed | None:
    """Return the error for a refusal ``words`` that names a limit, None if it names none."""
    match = _PER_SANDBOX.search(words) or _TOTAL.search(words)
    hint = _hint(words)
    if hint is None:
        return None
    details = {"resource": match["what"].lower()} if match else {}
    return OperationFailed(message, hint=hint, code="quota_exceeded", details=details)


def _hint(words: str) -> str | None:
    if (match := _PER_SANDBOX.search(words)) is not None:
        return _less(match["what"].lower(), match["limit"])
    if (match := _TOTAL.search(words)) is not None:
        what = match["what"].lower()
        # Daytona also counts the disks of stopped machines.
        free = "remove or archive" if what == "disk" else "stop or remove"
        return f"{free} machines (os2 machine list), or ask for less: {_command(what)}"
    if _SNAPSHOTS.search(words):
        return "remove old snapshots: os2 snapshot prune"
    if _SIZE.search(words):
        return "make the image smaller, or have the organisation's limit raised"
    if _OTHER.search(words):
        return "remove machines or snapshots, or have the organisation's limit raised"
    return None


def _less(what: str, limit: str) -> str:
    """Return the hint for one machine that asks for too much: its snapshot says how much."""
    if what not in _OPTIONS:
        return f"ask for at most {limit}, or have the organisation's limit raised"
    unit = "CPUs" if what == "cpu" else f"GiB of {what}"
    return f"ask for at most {limit} {unit}: {_command(what)} {limit}"


def _command(what: str) -> str:
    return " ".join(filter(None, ("os2 snapshot daytona", _OPTIONS.get(what))))
