"""Shell completion of values that need no provider."""

from __future__ import annotations

from contextlib import suppress

from os2cli.core.errors import Os2Error
from os2cli.core.limits import Isolation
from os2cli.core.stage import resolve_stage
from os2cli.providers.entry import entries
from os2cli.settings.settings import load_settings


def complete_stage(incomplete: str) -> list[str]:
    """Return the stages that start with the text: the configured one and the common ones."""
    stages = ["dev", "stg", "prd"]
    with suppress(Os2Error):
        stages.insert(0, resolve_stage(load_settings(None).variables).name)
    return [stage for stage in dict.fromkeys(stages) if stage.startswith(incomplete)]


def complete_isolation(incomplete: str) -> list[str]:
    """Return the isolations that start with the text."""
    return [each.value for each in Isolation if each.startswith(incomplete)]


def complete_type(incomplete: str) -> list[str]:
    """Return the machine types that start with the text."""
    return [type_ for type_ in entries() if type_.startswith(incomplete)]
