"""How a provider presents itself: every package under ``providers`` has an ``ENTRY`` in ``entry``.

An entry is read at every start, so that its module imports nothing heavy.
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
    """What machines of a type are made from."""

    LOCAL_IMAGE = "the image on this host's engine"
    PUBLISHED_SNAPSHOT = "the stage's newest snapshot"
    THIS_HOST = "what is installed on this host"


@dataclass(frozen=True, eq=False)
class ProviderContext:
    """What providers are made from, once for an invocation.

    ``docker_host`` is the command line's; ``variables`` are the recognised ones of the environment.
    """

    variables: Mapping[str, str]
    home: Path
    state_dir: Path
    cache_dir: Path
    daytona: DaytonaAccess
    docker_host: str | None = None


def always(context: ProviderContext) -> bool:
    """For providers that need no setting."""
    del context
    return True


def never(context: ProviderContext) -> bool:
    """For providers that are always there, or answer themselves that they are not."""
    del context
    return False


def nothing(context: ProviderContext) -> Fix | None:
    """For providers that bring what they need."""
    del context
    return None


@dataclass(frozen=True)
class ProviderEntry:
    """One provider: its ``--type``, its nature, and how it is made.

    ``shared`` machines are named within a stage and seen by others, so that changing those of
    ``stg`` and ``prd`` is asked about. ``set_up`` says whether it is asked when no type is named.
    ``warning`` is told whenever a machine of it is made. ``setup_fix`` installs what they need
    here. ``absent`` says that nothing is installed here that could have machines of it.
    ``catalog`` is what machines are made from, where os2 makes that.
    """

    type: MachineType
    material: Material
    machines: Callable[[ProviderContext, str | None], MachineProvider]
    shared: bool = False
    set_up: Callable[[ProviderContext], bool] = always
    warning: str | None = None
    setup_fix: Callable[[ProviderContext], Fix | None] = nothing
    absent: Callable[[ProviderContext], bool] = never
    catalog: Callable[[ProviderContext], Catalog] | None = None


@cache
def entries() -> Mapping[MachineType, ProviderEntry]:
    """Every provider, those on this host first."""
    packages = [module.name for module in iter_modules(providers.__path__) if module.ispkg]
    found: list[ProviderEntry] = [
        import_module(f"{providers.__name__}.{name}.entry").ENTRY for name in packages
    ]
    found.sort(key=lambda entry: (entry.shared, list(Material).index(entry.material)))
    return {entry.type: entry for entry in found}


def set_up_here(
    candidates: Iterable[ProviderEntry], context: ProviderContext
) -> list[ProviderEntry]:
    """Those that are asked when no type is named.

    One that is absent is asked only when there is no other: it says what is missing.
    """
    found = [entry for entry in candidates if entry.set_up(context)]
    return [entry for entry in found if not entry.absent(context)] or found


def parse_type(text: str) -> MachineType:
    """The type of that name; raises ``UsageError`` when no provider has it."""
    for type_ in entries():
        if text == type_:
            return type_
    raise UsageError(
        f"--type {text!r} is no type of machine",
        hint=f"choose one of {', '.join(entries())}",
        code="option_invalid",
    )
