"""Which document each command prints with ``--json``; a new command is added here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Union

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# A command that prints one of several documents lists them all. Modules are below this package,
# and are imported for one command at a time.
DOCUMENTS: dict[str, tuple[str, ...]] = {
    "up": ("machines.MachineDocument",),
    "ui": ("page.PageDocument",),
    "machine create": ("machines.MachineDocument", "machines.MachineList"),
    "machine list": ("machines.MachineList", "machines.PartialMachineList"),
    "machine show": ("machines.MachineDocument",),
    "machine stats": ("usage.UsageList",),
    "machine exec": ("executions.ExecutionDocument",),
    "machine logs": ("executions.LogDocument",),
    "machine cp": ("executions.CopyDocument",),
    "machine url": ("executions.AddressDocument",),
    "machine open": ("executions.AddressDocument",),
    "machine start": ("changes.ChangeList",),
    "machine stop": ("changes.ChangeList",),
    "machine restart": ("changes.ChangeList",),
    "machine archive": ("changes.ChangeList",),
    "machine wait": ("machines.MachineDocument",),
    "machine rm": ("changes.RemovalList",),
    "machine prune": ("changes.PruneList",),
    "snapshot local-docker": ("snapshots.ImageDocument",),
    "snapshot daytona": ("snapshots.SnapshotDocument",),
    "snapshot list": ("inventory.EntryList", "inventory.PartialEntryList"),
    "snapshot show": ("contents.EntryDetails",),
    "snapshot rm": ("changes.RemovalList",),
    "snapshot prune": ("inventory.PruneDocument",),
    "snapshot logs": ("executions.LogDocument",),
    "snapshot context": ("inventory.ContextDocument",),
    "snapshot wait": ("inventory.ReadyDocument",),
    "snapshot activate": ("inventory.ReadyDocument",),
    "snapshot resolve": ("snapshots.ResolutionDocument",),
    "cache show": ("cache.CacheDocument",),
    "cache clear": ("cache.ClearedDocument",),
    "analytics status": ("analytics.AnalyticsDocument",),
    "analytics on": ("analytics.ConsentDocument",),
    "analytics off": ("analytics.ConsentDocument",),
    "analytics reset": ("analytics.IdentityDocument",),
    "analytics show": ("analytics.SentDocument",),
    "doctor": ("findings.DoctorDocument",),
    "stage": ("settings.StageDocument",),
    "config": ("settings.ConfigDocument",),
    "help": (
        "help.TopicsDocument",
        "help.ExitCodesDocument",
        "help.EnvironmentDocument",
        "help.DocumentedCommands",
        "help.CommandHelpDocument",
    ),
    # Not commands: the document of every failure, and the lines of streams.
    "machine list --watch": ("machines.WatchedMachineDocument",),
    "machine stats --watch": ("usage.UsageDocument",),
    "error": ("errors.ErrorDocument",),
    "progress": ("progress.ProgressEvent",),
}


def schema_of(command: str) -> dict[str, Any]:
    """Return the JSON Schema of what ``command``, a key of ``DOCUMENTS``, prints."""
    # Other commands read only the table, and start without pydantic.
    from pydantic import RootModel, TypeAdapter, create_model

    types: list[Any] = []
    root: Any = RootModel
    for name in DOCUMENTS[command]:
        document = _load(name)
        if issubclass(document, list):
            # A list has neither title nor description for pydantic.
            (base,) = document.__orig_bases__  # type: ignore[attr-defined]
            types.append(
                create_model(document.__name__, __base__=root[base], __doc__=document.__doc__)
            )
        else:
            types.append(document)
    # Known only at run time, so it cannot be written as a type.
    union: Any = Union[tuple(types)]  # noqa: UP007
    schema = TypeAdapter(union).json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema}


def _load(name: str) -> type:
    module, _, kind = name.partition(".")
    document: type = getattr(import_module(f"os2cli.output.documents.{module}"), kind)
    return document
