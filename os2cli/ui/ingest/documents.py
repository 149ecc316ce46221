"""What the page gets of PostHog's documents: values that its script needs, and nothing else.

The script obeys its project's configuration. It may name the path that recordings are sent to,
which could be one of our own with a change behind it (``/../machines``), switch on the recording
of consoles and networks, and list applications to load. All of that stays here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from os2cli.core.json_text import parse_json

Document = Callable[[Mapping[str, Any]], dict[str, Any]]

_COMPRESSIONS = ("gzip-js", "base64")
_QUOTAS = ("events", "recordings", "feature_flags")
_RECORDING_PATH = "/s/"


def parse_document(content: bytes) -> Mapping[str, Any]:
    """Parse a document; an empty one has no values.

    Raises:
        ValueError: It is not a JSON object.
    """
    document = parse_json(content) if content.strip() else {}
    if not isinstance(document, dict):
        raise ValueError("it is not an object")
    return document


def receipt_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to events: whether they count, and what is over its quota."""
    return {"status": 1, "quota_limited": _known(document.get("quota_limited"), _QUOTAS)}


def flags_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration and no flags: the page has none."""
    return config_of(document) | {"flags": {}, "featureFlags": {}}


def config_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the project's configuration: whether and how much is recorded."""
    return {
        "supportedCompression": _known(document.get("supportedCompression"), _COMPRESSIONS),
        "sessionRecording": _recording(document.get("sessionRecording")),
        "hasFeatureFlags": False,
    }


def _recording(settings: Any) -> dict[str, Any] | bool:
    if not isinstance(settings, dict):
        return False
    recording: dict[str, Any] = {"endpoint": _RECORDING_PATH, "consoleLogRecordingEnabled": False}
    rate, minimum = settings.get("sampleRate"), settings.get("minimumDurationMilliseconds")
    if (share := _number(rate, 1)) is not None:
        # The script compares it as PostHog sends it: as text.
        recording["sampleRate"] = str(share)
    if (shortest := _number(minimum, 60_000)) is not None:
        recording["minimumDurationMilliseconds"] = shortest
    return recording


def _known(values: Any, known: tuple[str, ...]) -> list[str]:
    return [name for name in known if isinstance(values, list) and name in values]


def _number(value: Any, most: float) -> float | None:
    """Return a number from 0 to ``most``, also one that is written as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= most else None
