"""Machines that are processes of this host: what the command line needs to know of them."""

from __future__ import annotations

from pathlib import Path

from os2cli.core.fix import Fix
from os2cli.machines.provider import MachineProvider
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry
from os2cli.providers.local_process import LOCAL_PROCESS

# Every command loads this module: each function imports what it needs.


def root(context: ProviderContext) -> Path:
    """The folder with a folder for each machine."""
    return context.state_dir / LOCAL_PROCESS


def machines(context: ProviderContext, stage: str | None) -> MachineProvider:
    """The provider; its names are unique on this host, whatever the stage."""
    from os2cli.providers.local_process.machines import LocalProcessMachines

    del stage
    return LocalProcessMachines(root(context), context.state_dir / "locks")


def set_up(context: ProviderContext) -> bool:
    """Whether there is a machine: others need not hear of it."""
    return any(root(context).glob("*/machine.json"))


def setup_fix(context: ProviderContext) -> Fix | None:
    """Node.js, when it can be installed beside os2."""
    from os2cli.providers.local_process.node_package import node_fix

    del context
    return node_fix()


ENTRY = ProviderEntry(
    type=LOCAL_PROCESS,
    material=Material.THIS_HOST,
    machines=machines,
    set_up=set_up,
    setup_fix=setup_fix,
    warning="local-process has no isolation: what runs in it runs on this host as you",
)
