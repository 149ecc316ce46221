"""The check of the working tree that a machine gets a copy of."""

from __future__ import annotations

from pathlib import Path

from os2cli.core.progress import Progress
from os2cli.snapshots.context import collect_mounted, refuse_mounted_secrets


def check_mount(root: Path, progress: Progress, *, allow_secrets: bool) -> None:
    """Check a tree before anything is created, and report what of it is not sent.

    Raises as ``collect_mounted`` and ``refuse_mounted_secrets`` do.
    """
    tree = collect_mounted(root).readable()
    if not allow_secrets:
        refuse_mounted_secrets(tree)
    for note in tree.notes:
        progress.warn(f"--mount-repo: {note}")
