"""The events of requests, in all formats that PostHog's SDKs use."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Received:
    """A received request: ``path`` with its query, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def plain(self) -> bytes:
        """The decompressed body."""
        body = self.body
        if body.startswith(b"data="):
            body = base64.b64decode(parse_qs(body.decode())["data"][0])
        return gzip.decompress(body) if body.startswith(GZIP_MAGIC) else body

    @property
    def text(self) -> str:
        """Everything in the request that could hold a secret."""
        lines = [f"{self.method} {self.path}?{self.query}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        text = self.plain.decode(errors="replace")
        with suppress(ValueError):
            # Compressed bytes hold short words by chance.
            text = json.dumps(unpacked(json.loads(self.plain)), ensure_ascii=False)
        return "\n".join([*lines, text])


def messages_of(request: Received) -> list[dict[str, Any]]:
    """Return the events in a request; raises ``ValueError`` if PostHog would reject it."""
    document = json.loads(request.plain)
    if isinstance(document, dict) and "batch" in document:
        key, found = document.get("api_key"), document["batch"]
    else:
        found = document if isinstance(document, list) else [document]
        key = None
    for message in found:
        properties = message.get("properties", {})
        if not (key or message.get("api_key") or message.get("token") or properties.get("token")):
            raise ValueError("a message without a project's key")
        if not message.get("event"):
            raise ValueError("a message without an event")
        if not (message.get("distinct_id") or properties.get("distinct_id")):
            raise ValueError("a message without a distinct_id")
    return list(found)


def recorded(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rrweb events of a recording's message, decompressed."""
    return list(unpacked(message["properties"]["$snapshot_data"]))


def unpacked(value: Any) -> Any:
    """Return a value with its texts decompressed; PostHog's script compresses large ones."""
    if isinstance(value, dict):
        return {name: unpacked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if isinstance(value, str) and value.startswith(GZIP_MAGIC.decode("latin-1")):
        return json.loads(gzip.decompress(value.encode("latin-1")))
    return value
