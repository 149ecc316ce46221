"""Run the doctor for a session: gather its inputs, ask, and apply fixes."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from urllib.parse import urlsplit

from os2cli.app.builds import build_request, locate_source
from os2cli.app.registry import Providers
from os2cli.app.session import Session
from os2cli.core.errors import Os2Error
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.core.observed import record_change
from os2cli.core.progress import Progress
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, FixId
from os2cli.doctor.fixes import Fix, Host, Switch, plan_fixes, plan_tcp_api, this_host
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.doctor.shared import once
from os2cli.host.network.local_names import resolves
from os2cli.host.private_files import unwritable_by_others
from os2cli.host.repository import find_repository
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.settings.settings import program_environment
from os2cli.snapshots.images import Freshness, image_status


def examine(session: Session, stage: str | None = None, *, quick: bool = True) -> list[Finding]:
    """Run the checks on what this session would use, looking for the engine again.

    ``quick``: no machine is started, and no registry is asked.
    """
    # The page imports this module when it starts; the checks import Docker's SDK, which is slow.
    from os2cli.doctor.runner import run_checks
    from os2cli.providers.local_docker.machines.trial import try_machine

    providers = Providers(session.settings, session.providers.docker_host)
    return run_checks(
        DoctorInputs(
            variables={**program_environment(), **session.settings.variables},
            home=session.settings.home,
            endpoint=_endpoint(providers),
            repo_root=find_repository(session.working_directory),
            image=once(lambda: _image_freshness(session, providers)),
            system=platform.system(),
            architecture=platform.machine(),
            host_name=platform.node(),
            stage=stage,
            daytona=DaytonaFacts(providers.daytona),
            trial=once(
                lambda: try_machine(
                    providers.engine,
                    session.settings.image,
                    session.settings.state_dir,
                    _name_to_look_for(session),
                )
            ),
            request=lambda: build_request(session, locate_source(session)),
            quick=quick,
        )
    )


def _name_to_look_for(session: Session) -> str | None:
    """Return the name of Daytona's host, which every setup knows, if this host resolves it."""
    host = urlsplit(session.settings.daytona.url).hostname
    return host if host and resolves(host) else None


def planned_fixes(session: Session, findings: Sequence[Finding]) -> list[Fix]:
    """Return the fixes that destroy nothing and open nothing."""
    return plan_fixes(findings, _host(session))


def named_fixes(session: Session, name: FixId, findings: Sequence[Finding]) -> list[Fix]:
    """Return what a fix by name does; empty if there is nothing to do.

    Raises:
        Os2Error: os2 cannot do it here.
    """
    if not name.by_name:
        return planned_fixes(session, [f for f in findings if f.remedy and f.remedy.fix is name])
    providers = Providers(session.settings, session.providers.docker_host)
    return plan_tcp_api(_host(session), SharedEngine(_endpoint(providers)), Switch(name))


def _host(session: Session) -> Host:
    return this_host(program_environment(), session.settings.home)


def run_fixes(
    session: Session,
    fixes: Sequence[Fix],
    progress: Progress,
    *,
    yes: bool,
    command: str,
    of: MachineType = LOCAL_DOCKER,
) -> bool:
    """Show the fixes, ask, and apply them; return False if the answer was no.

    ``command`` needs no answer and is the hint without a terminal; ``of`` is the type of machines
    that need the fixes.
    """
    for fix in fixes:
        if fix.risk:
            progress.warn(fix.risk)
        progress.notice(f"fix: {fix.title}")
        for action in fix.actions:
            progress.notice(f"  - {action}")
    if not yes and not session.output.confirm("Apply these fixes?", instead=command):
        return False
    record_change(of)
    for fix in fixes:
        # They write the system's files and start what runs for all.
        with progress.phase(fix.title), unwritable_by_others():
            fix.apply(progress)
    return True


def _endpoint(providers: Providers) -> Endpoint | Os2Error:
    try:
        return providers.endpoint
    except Os2Error as error:
        return error


def _image_freshness(session: Session, providers: Providers) -> ImageFreshness:
    request = build_request(session, locate_source(session))
    status = image_status(providers.builder(), request)
    return ImageFreshness(
        reference=request.tag,
        built=status.image.created if status.image else None,
        fresh=status.freshness is Freshness.FRESH,
        reason=status.reason,
        foreign=status.freshness is Freshness.FOREIGN,
    )
