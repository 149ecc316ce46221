"""A refusal for a limit says what to do about that limit, in every wording that Daytona has."""

from __future__ import annotations

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.providers.daytona.api.client import DaytonaClient
from tests.unit.providers.daytona.wires import Wire, failure, refused

MORE = (
    "",
    ".",
    ".\nNeed higher resource limits? Contact us at support@daytona.io",
    ".\nTo increase concurrency limits, upgrade your organization's Tier by visiting "
    "https://app.daytona.io/dashboard/limits.",
)
UNITS = {"CPU": ("", "CPUs", "--cpu"), "Memory": ("GB", "GiB", "--memory")} | {
    "Disk": ("GB", "GiB", "--disk")
}
PER_SANDBOX = {
    f"{what} request {asked}{unit} exceeds {article}maximum allowed per {kind} ({limit}{unit})": (
        f"ask for at most {limit} {word}",
        f"os2 snapshot daytona {option} {limit}",
    )
    for what, (unit, word, option) in UNITS.items()
    for asked, limit in ((16, 4), (100, 8), (4096, 10))
    for article in ("", "the ")
    for kind in ("sandbox", "non-ephemeral sandbox")
}
TOTAL = {
    f"Total {what} limit exceeded. Maximum allowed: {limit}": (
        verb,
        f"os2 snapshot daytona {option}".strip(),
    )
    for what, limit, verb, option in (
        ("CPU", "250", "stop or remove machines", "--cpu"),
        ("memory", "10GiB", "stop or remove machines", "--memory"),
        ("disk", "30GiB", "remove or archive machines", "--disk"),
        ("GPU", "1", "stop or remove machines", ""),
    )
}
OTHERS = {
    "Snapshot quota exceeded. Maximum allowed: 100": ("remove old snapshots", "os2 snapshot prune"),
    "Image size 12.5 exceeds the maximum allowed snapshot size (10)": ("image smaller", ""),
    "Snapshot size (12.50GB) exceeds maximum allowed size of 10GB": ("image smaller", ""),
    "GPU request 2 exceeds maximum allowed per sandbox (0)": ("ask for at most 0", ""),
    "Volume quota exceeded. Maximum allowed: 3": ("limit raised", ""),
    "Sandbox limit reached": ("limit raised", ""),
}
TEXTS = PER_SANDBOX | TOTAL | OTHERS


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize("more", MORE, ids=range(len(MORE)))
@pytest.mark.parametrize("text", TEXTS)
def test_the_hint_is_about_the_limit(
    text: str, more: str, status: int, client: DaytonaClient, wire: Wire
) -> None:
    wire.on("POST /thing", refused(status, text + more))

    error = failure(client, "POST")

    assert (type(error), error.code) == (OperationFailed, "quota_exceeded")
    assert text in error.message
    for part in TEXTS[text]:
        assert part in (error.hint or "")
