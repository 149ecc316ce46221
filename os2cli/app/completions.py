"""What a shell offers behind a part of an option's value, when no provider must be asked."""

from __future__ import annotations

from contextlib import suppress

from os2cli.core.errors import Os2Error
from os2cli.providers.entry import entries


def complete_stage(incomplete: str) -> list[str]:
    """Return the stages that begin so: the one that is set here, and those that everyone has."""
    from os2cli.core.stage import resolve_stage
    from os2cli.settings.settings import load_settings

    stages = ["dev", "stg", "prd"]
    with suppress(Os2Error):
        stages.insert(0, resolve_stage(load_settings(None).variables).name)
    return [stage for stage in dict.fromkeys(stages) if stage.startswith(incomplete)]


def complete_type(incomplete: str) -> list[str]:
    """Return the types of machines that begin so."""
    return [type_ for type_ in entries() if type_.startswith(incomplete)]
