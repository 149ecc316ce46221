"""``os2 doctor``."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from os2cli.app.completions import complete_stage
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import UsageError
from os2cli.core.option_rules import reject_both, reject_without
from os2cli.doctor.findings import FixId
from os2cli.output.views.findings import exit_status, show_findings
from os2cli.output.views.report import show_report
from os2cli.settings.invocation import Invocation


def parse_fix(text: str) -> FixId:
    """Return the fix of that name."""
    try:
        return FixId(text)
    except ValueError:
        raise UsageError(
            f"unknown fix {text!r}",
            hint=f"choose one of: {', '.join(FixId)}",
            code="fix_unknown",
        ) from None


def complete_fix(incomplete: str) -> list[str]:
    """Return the names of fixes that begin with ``incomplete``."""
    return [name for name in FixId if name.startswith(incomplete)]


def doctor(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            autocompletion=complete_fix,
            help="With --fix: the one fix to run. Those of the TCP API run only by name.",
        ),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Run the fixes, none of which destroys data.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before fixing.")] = False,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            autocompletion=complete_stage,
            help="Stage to check.",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Print Markdown for a bug report, without secrets or names of people and hosts.",
        ),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Start no machine and ask no registry; takes up to 3 s.")
    ] = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Check engine, image, stage and Daytona, and suggest fixes.

    Exits with 1 if there is a problem; warnings alone exit with 0. Starts a
    machine for a moment, to try its network, port, mount, disk and clock, and
    has the engine ask the registry of the base image; in 5 s at most.

    --fix tcp-api turns the engine's TCP API on for programs that need it, and
    --fix tcp-api-off turns it off. While it is on, every user of this host and
    every page in a browser on it can become root.

    [dim]Examples:[/dim]
      os2 doctor
      os2 doctor --quick
      os2 doctor --fix --yes
      os2 doctor --fix tcp-api-off
      os2 doctor --report > report.md
    """
    # The checks import half the standard library, and ``os2 --help`` imports this module.
    from os2cli.app.fixes import examine, named_fixes, planned_fixes, run_fixes

    reject_without("NAME", name is not None, "--fix", fix)
    reject_without("--yes", yes, "--fix", fix)
    session = Session.start(ctx, docker_host)
    reject_other_forms(session.invocation, report=report)
    wanted = parse_fix(name) if name else None
    findings = examine(session, stage, quick=quick)
    fixes = []
    if fix:
        plan = partial(named_fixes, session, wanted) if wanted else partial(planned_fixes, session)
        fixes = plan(findings)
        if not fixes:
            session.output.note(_nothing_to_fix(wanted))
    if fixes:
        command = " ".join(("os2 doctor --fix", *([wanted] if wanted else ()), "--yes"))
        if run_fixes(session, fixes, session.output.progress(), yes=yes, command=command):
            findings = examine(session, stage, quick=quick)
    if report:
        show_report(session.output, findings, session.settings, session.owner)
    else:
        show_findings(session.output, findings)
    raise typer.Exit(exit_status(findings))


def _nothing_to_fix(name: FixId | None) -> str:
    return f"--fix {name}: nothing to do" if name else "os2 cannot fix any of this"


def reject_other_forms(invocation: Invocation, *, report: bool) -> None:
    """Reject ``--json`` and ``--quiet`` with ``--report``, which has only one form."""
    for option, given in (("--json", invocation.json), ("--quiet", invocation.quiet)):
        reject_both("--report", report, option, given)
