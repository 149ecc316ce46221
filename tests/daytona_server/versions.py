"""The two versions that the server plays, and the one table of what the older one lacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SOURCE = "0.190.0"
"""The last version whose source is public, which people run themselves."""
HOSTED = "0.205.1"
"""The version of the service that the API's document describes."""
CHOICE = "OS2_TEST_DAYTONA_VERSION"


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a version doesn't have, below the first part of a path.

    Fields that it doesn't know are ignored in a request, as any others.
    """

    routes: frozenset[str] = frozenset()
    requests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def in_request(self, path: str) -> frozenset[str]:
        """Return the fields and parameters of a request that mean nothing."""
        return self.requests.get(_first(path), frozenset())

    def in_answer(self, path: str) -> frozenset[str]:
        """Return the fields that no answer has."""
        return self.answers.get(_first(path), frozenset())


LACKING = {
    SOURCE: Lacking(
        routes=frozenset({"/sandbox/{id}/ttl/{ttlMinutes}", "/sandbox/{id}/autopause/{interval}"}),
        requests={
            "/sandbox": frozenset(
                {"ttlMinutes", "autoPauseInterval", "queueTimeout", "kvm"}
                | {"autoDestroyAtAfter", "autoDestroyAtBefore"}
            ),
            "/snapshots": frozenset({"sourceSandboxId"}),
        },
        answers={
            "/sandbox": frozenset({"autoDestroyAt", "autoPauseInterval", "queueTimeout", "kvm"}),
            "/snapshots": frozenset({"sourceSandboxId"}),
        },
    ),
    HOSTED: Lacking(),
}


def chosen_version() -> str:
    """Return the version that the environment asks for, else the hosted one."""
    return os.environ.get(CHOICE) or HOSTED


def without(names: frozenset[str], document: Any) -> Any:
    """Return an answer, a list's items as well, without these fields."""
    if not names:
        return document
    if isinstance(document, list):
        return [without(names, item) for item in document]
    if not isinstance(document, dict):
        return document
    kept = {key: value for key, value in document.items() if key not in names}
    if isinstance(kept.get("items"), list):
        kept["items"] = without(names, kept["items"])
    return kept


def _first(path: str) -> str:
    return "/" + path.split("/")[1]
