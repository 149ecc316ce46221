"""Which document each command prints with ``--json``; a new command is added here."""

from __future__ import annotations

import importlib
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# A command that prints one of several has them all. Modules stand below this package, and are
# imported only for the one that is asked about.
DOCUMENTS: dict[str, tuple[str, ...]] = {
    "up": ("machines.MachineDocument",),
    "ui": ("page.PageDocument",),
    "machine create": ("machines.MachineDocument", "machines.MachineList"),
    "machine list": ("machines.MachineList", "machines.PartialMachineList"),
    "machine show": ("machines.MachineDocument",),
    "machine exec": ("executions.ExecutionDocument",),
    "machine logs": ("logs.LogDocument",),
    "machine cp": ("executions.CopyDocument",),
    "machine url": ("executions.AddressDocument",),
    "machine open": ("executions.AddressDocument",),
    "machine start": ("changes.ChangeList",),
    "machine stop": ("changes.ChangeList",),
    "machine restart": ("changes.ChangeList",),
    "machine archive": ("changes.ChangeList",),
    "machine wait": ("machines.MachineDocument",),
    "machine rm": ("removals.RemovalList",),
    "machine prune": ("changes.PruneList",),
    "snapshot local-docker": ("snapshots.ImageDocument",),
    "snapshot daytona": ("snapshots.SnapshotDocument",),
    "snapshot list": ("inventory.EntryList", "inventory.PartialEntryList"),
    "snapshot show": ("inventory.EntryDocument",),
    "snapshot rm": ("removals.RemovalList",),
    "snapshot prune": ("inventory.PruneDocument",),
    "snapshot logs": ("logs.LogDocument",),
    "snapshot context": ("inventory.ContextDocument",),
    "snapshot wait": ("inventory.ReadyDocument",),
    "snapshot activate": ("inventory.ReadyDocument",),
    "snapshot resolve": ("snapshots.ResolutionDocument",),
    "cache show": ("snapshots.CacheDocument",),
    "cache clear": ("snapshots.ClearedDocument",),
    "analytics status": ("analytics.AnalyticsDocument",),
    "analytics on": ("analytics.ConsentDocument",),
    "analytics off": ("analytics.ConsentDocument",),
    "analytics reset": ("analytics.IdentityDocument",),
    "analytics show": ("analytics.SentDocument",),
    "doctor": ("findings.DoctorDocument",),
    "stage": ("stage.StageDocument",),
    "config": ("configuration.ConfigDocument",),
    "help": (
        "help.TopicsDocument",
        "help.ExitCodesDocument",
        "help.EnvironmentDocument",
        "help.DocumentedCommands",
        "help.CommandHelpDocument",
    ),
    # No commands: what each of them prints when it fails, and the lines of streams.
    "machine list --watch": ("machines.WatchedMachineDocument",),
    "error": ("errors.ErrorDocument",),
    "progress": ("progress.ProgressEvent",),
}


def schema_of(command: str) -> dict[str, Any]:
    """The JSON Schema of what ``command``, a key of ``DOCUMENTS``, prints."""
    from typing import Union

    from pydantic import TypeAdapter

    types = tuple(_load(name) for name in DOCUMENTS[command])
    # Made at run time, so that it can't be written as a type.
    union: Any = Union[types]  # noqa: UP007
    schema = TypeAdapter(union).json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema}


def _load(name: str) -> type:
    module, _, kind = name.partition(".")
    found: type = getattr(importlib.import_module(f"os2cli.output.documents.{module}"), kind)
    return found
