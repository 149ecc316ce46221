"""The organisation's limits, compared before anything is uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from os2cli.core.errors import Os2Error
from os2cli.core.models import SnapshotResources
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.limits import limit_error
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.api.wire import OrganizationAnswer, SandboxLimits, UsageAnswer, read

_DOING = "checking the organisation's limits"


def check_limits(client: DaytonaClient, resources: SnapshotResources) -> None:
    """Raise what the API would raise after the upload; limits that it does not report are skipped.

    Raises:
        NotAuthorised: the token is not valid.
        OperationFailed: a limit would be exceeded (``quota_exceeded``).
    """
    path = f"/organizations/{quote(client.access.organization or '', safe='')}"
    try:
        answer = client.get(path, doing=_DOING, policy=FAST)
        organization = read(OrganizationAnswer, answer, _DOING)
        answer = client.get(f"{path}/usage", doing=_DOING, policy=FAST)
        usage = read(UsageAnswer, answer, _DOING)
    except Os2Error as error:
        if error.code == "key_invalid":
            raise
        return
    region = client.access.target or organization.default_region
    here = [limits for limits in usage.regions if limits.region == region]
    for refusal in _refusals(resources, organization, here, usage):
        if (failure := limit_error(f"{_DOING} failed: {refusal}", refusal)) is not None:
            raise failure


def _refusals(
    resources: SnapshotResources,
    organization: SandboxLimits,
    here: Sequence[SandboxLimits],
    usage: UsageAnswer,
) -> list[str]:
    """Return the refusals in the API's words."""
    refusals = []
    for name, what, unit, wanted in (
        ("cpu", "CPU", "", resources.cpu),
        ("memory", "Memory", "GB", resources.memory_gib),
        ("disk", "Disk", "GB", resources.disk_gib),
    ):
        # A region has one entry for each class of sandboxes.
        limits = [limit for each in here if (limit := getattr(each, name)) is not None]
        limit = max(limits, default=getattr(organization, name))
        if limit is not None and wanted > limit:
            request = f"{what} request {wanted}{unit}"
            refusals.append(f"{request} exceeds maximum allowed per sandbox ({limit:g}{unit})")
    used, allowed = usage.snapshots, usage.max_snapshots
    if used is not None and allowed is not None and used >= allowed:
        refusals.append(f"Snapshot quota exceeded. Maximum allowed: {allowed}")
    return refusals
