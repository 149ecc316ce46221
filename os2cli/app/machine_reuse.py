"""Using a machine that exists: one of another repository only if the user agrees."""

from __future__ import annotations

from os2cli.app.builds import agrees
from os2cli.app.session import Session
from os2cli.core.errors import NotFound
from os2cli.core.models import Machine, MachineState
from os2cli.machines.provider import MachineProvider
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.ownership import machine_strangeness, reject_machine


def ask_about_existing(
    session: Session, provider: MachineProvider, name: str, request: BuildRequest, *, yes: bool
) -> None:
    """Do ``ask_about`` for the machine of that name if there is one, before it is started."""
    try:
        machine = provider.get(name)
    except NotFound:
        return
    # One that is being created may be gone or another's when it can be used.
    if machine.state is not MachineState.CREATING:
        ask_about(session, machine, request, yes=yes)


def ask_about(session: Session, machine: Machine, request: BuildRequest, *, yes: bool) -> None:
    """Ask before a machine of a repository other than that of ``request`` is used.

    Raises:
        Conflict: the user did not agree, or cannot be asked (``machine_not_ours``).
    """
    builder = session.providers.builder()
    strange = machine_strangeness(machine, request, lambda: builder.key(request))
    if strange is not None and not (yes or agrees(session, strange, "Use it as it is?")):
        raise reject_machine(strange, machine.name)
