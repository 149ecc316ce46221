"""Which image a build could not get, read from its builder's words.

BuildKit pulls by itself. What it says depends on its version and on the registry, and may leave
out the image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.providers.local_docker.base_image import as_pull_error

# A registry's addresses, or words that builders have for registries alone.
_PULL = re.compile(
    r'/v2/"|/(?:manifests|blobs)/|pulling from host|pull access denied'
    r"|failed to resolve source metadata|manifest unknown|no basic auth credentials",
    re.IGNORECASE,
)


def unpulled(
    failure: OperationFailed, missing: Sequence[str], log_in: Callable[[str], str | None]
) -> Os2Error | None:
    """Return a failed build as a failed pull of one of its ``missing`` images; None if it is not.

    ``missing`` are those that the engine did not have before; ``log_in`` looks up a login,
    and returns a hint if that fails.
    """
    reason = failure.message.partition(": ")[2]
    absent = [name for name in missing if f"{_repository(name)}:" in reason]
    if not missing or not (_PULL.search(reason) or (absent and reason.endswith(": not found"))):
        return None
    there = [name for name in missing if name.partition("/")[0] in reason]
    name = next(iter([*absent, *there, *missing]))
    return as_pull_error(name, reason, log_in)


def _repository(reference: str) -> str:
    """Return a reference without its tag and digest."""
    name = reference.partition("@")[0]
    head, separator, tail = name.rpartition(":")
    return head if separator and "/" not in tail else name
