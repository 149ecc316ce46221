"""How a provider presents itself: every package under ``providers`` has an ``ENTRY`` in ``entry``.

Every start reads all entries, so their modules import nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from os2cli import providers
from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import UsageError
from os2cli.core.fix import Fix
from os2cli.core.models import MachineType
from os2cli.machines.provider import MachineProvider
from os2cli.snapshots.catalog import Catalog


class Material(Enum):
    """What machines of a type are created from."""

    LOCAL_IMAGE = "the image on this host's engine"
    PUBLISHED_SNAPSHOT = "the stage's newest snapshot"
    THIS_HOST = "what is installed on this host"


@dataclass(frozen=True, eq=False)
class ProviderContext:
    """What an invocation creates its providers from.

    ``docker_host`` is the command line's; ``variables`` are the environment's that os2 declares.
    """

    variables: Mapping[str, str]
    home: Path
    state_dir: Path
    cache_dir: Path
    daytona: DaytonaAccess
    docker_host: str | None = None


def always(context: ProviderContext) -> bool:
    """Return True: for providers that need no setting."""
    del context
    return True


def never(context: ProviderContext) -> bool:
    """Return False: for providers that are always there, or report themselves that they are not."""
    del context
    return False


def no_fix(context: ProviderContext) -> Fix | None:
    """Return None: for providers that bring what they need."""
    del context
    return None


@dataclass(frozen=True)
class ProviderEntry:
    """One provider: its ``--type``, its traits, and how it is created.

    ``shared`` machines are named within a stage and seen by others, so that changes to those of
    ``stg`` and ``prd`` are confirmed. ``set_up`` tells whether commands without ``--type`` ask it.
    It shows ``warning`` for each machine that it creates. ``setup_fix`` installs what its machines
    need. ``absent`` tells that nothing on this host could run its machines. ``catalog`` holds what
    its machines are created from, if os2 makes that.
    """

    type: MachineType
    material: Material
    machines: Callable[[ProviderContext, str | None], MachineProvider]
    shared: bool = False
    set_up: Callable[[ProviderContext], bool] = always
    warning: str | None = None
    setup_fix: Callable[[ProviderContext], Fix | None] = no_fix
    absent: Callable[[ProviderContext], bool] = never
    catalog: Callable[[ProviderContext], Catalog] | None = None


@cache
def entries() -> Mapping[MachineType, ProviderEntry]:
    """Return every provider, those on this host first."""
    packages = [module.name for module in iter_modules(providers.__path__) if module.ispkg]
    unsorted: list[ProviderEntry] = [
        import_module(f"{providers.__name__}.{name}.entry").ENTRY for name in packages
    ]
    order = list(Material).index
    ordered = sorted(unsorted, key=lambda entry: (entry.shared, order(entry.material)))
    return {entry.type: entry for entry in ordered}


def set_up_here(
    candidates: Iterable[ProviderEntry], context: ProviderContext
) -> list[ProviderEntry]:
    """Return the providers that commands without ``--type`` ask.

    An absent one is asked only if there is no other: its error says what is missing.
    """
    set_up = [entry for entry in candidates if entry.set_up(context)]
    return [entry for entry in set_up if not entry.absent(context)] or set_up


def parse_type(text: str) -> MachineType:
    """Return the type of that name; raises ``UsageError`` if no provider has it."""
    for type_ in entries():
        if text == type_:
            return type_
    raise UsageError(
        f"--type: unknown machine type {text!r}",
        hint=f"choose one of {', '.join(entries())}",
        code="option_invalid",
    )
