"""The name of the stage's newest snapshot, if the cache has it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from os2cli.core.errors import Os2Error
from os2cli.core.stage import resolve_stage
from os2cli.host.repository import find_repository
from os2cli.settings.settings import load_settings
from os2cli.snapshots.cache import SnapshotCache, is_kept


def cached_name(explicit: str | None) -> str | None:
    """Return the cached name for ``--stage``, or None when the command has to run.

    The command reports what fails here.
    """
    with suppress(Os2Error, OSError):
        settings = load_settings(find_repository(Path.cwd()))
        stage = resolve_stage(settings.variables, explicit=explicit)
        account = settings.daytona
        if (
            settings.warning is None
            and stage.warning is None
            and account.configured
            and is_kept(stage)
        ):
            cache = SnapshotCache(settings.snapshot_cache_dir, settings.cache_seconds)
            entry = cache.get(account.fingerprint, stage.prefix)
            return entry.name if entry else None
    return None
