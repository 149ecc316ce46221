"""A launcher for machines from published snapshots, from a session."""

from __future__ import annotations

from os2cli.app.session import Session
from os2cli.core.models import MachineType
from os2cli.core.stage import Stage
from os2cli.machines.launch import Launcher


def snapshot_launcher(
    session: Session, type_: MachineType, stage: Stage, *, use_cache: bool = True
) -> Launcher:
    """Return a launcher for machines of a type from the stage's snapshots."""
    return Launcher(
        session.providers.machines(type_, stage.name),
        session.providers.snapshots(),
        session.snapshot_cache,
        session.settings.daytona.fingerprint,
        use_cache=use_cache,
    )
