"""Machines that are processes of this host: what the command line needs to know of them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from os2cli.core.fix import Fix
from os2cli.machines.provider import MachineProvider
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry
from os2cli.providers.local_process import LOCAL_PROCESS

# Every command loads this module: each function imports what it needs.


def root(context: ProviderContext) -> Path:
    """Return the directory with a directory for each machine."""
    return context.state_dir / LOCAL_PROCESS


def machines(context: ProviderContext, stage: str | None) -> MachineProvider:
    """Return the provider; machine names are unique on this host, across stages."""
    from os2cli.providers.local_process.machines import LocalProcessMachines

    del stage
    return LocalProcessMachines(root(context), context.state_dir / "locks")


def set_up(context: ProviderContext) -> bool:
    """Return whether a machine exists: otherwise the provider stays hidden."""
    # In another user's home no machine is this user's.
    with suppress(OSError), os.scandir(root(context)) as entries:
        return any(entry.is_dir() and not entry.name.startswith(".") for entry in entries)
    return False


def setup_fix(context: ProviderContext) -> Fix | None:
    """Return the fix that installs Node.js if it is missing and can be installed beside os2."""
    from os2cli.providers.local_process.node_package import node_fix

    del context
    return node_fix()


ENTRY = ProviderEntry(
    type=LOCAL_PROCESS,
    material=Material.THIS_HOST,
    machines=machines,
    set_up=set_up,
    setup_fix=setup_fix,
    warning="local-process has no isolation: its programs run on this host as you",
)
