"""``os2 doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.completions import complete_stage
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.option_rules import reject_both, reject_without
from os2cli.output.views.findings import exit_status, show_findings
from os2cli.output.views.report import show_report
from os2cli.settings.invocation import Invocation


def doctor(
    ctx: typer.Context,
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
    docker_host: options.DockerHost = None,
) -> None:
    """Check engine, image, stage and Daytona, and suggest fixes.

    Exits with 1 if there is a problem; warnings alone exit with 0.

    [dim]Examples:[/dim]
      os2 doctor
      os2 doctor --fix --yes
      os2 doctor --report > report.md
    """
    # The checks import half the standard library, and ``os2 --help`` imports this module.
    from os2cli.app.fixes import examine, planned_fixes, run_fixes

    reject_without("--yes", yes, "--fix", fix)
    session = Session.start(ctx, docker_host)
    reject_other_forms(session.invocation, report=report)
    findings = examine(session, stage)
    if fix and (fixes := planned_fixes(session, findings)):
        progress = session.output.progress()
        command = "os2 doctor --fix --yes"
        if run_fixes(session, fixes, progress, yes=yes, command=command):
            findings = examine(session, stage)
    elif fix:
        session.output.note("os2 cannot fix any of this")
    if report:
        show_report(session.output, findings, session.settings, session.owner)
    else:
        show_findings(session.output, findings)
    raise typer.Exit(exit_status(findings))


def reject_other_forms(invocation: Invocation, *, report: bool) -> None:
    """Reject ``--json`` and ``--quiet`` with ``--report``, which has only one form."""
    for option, given in (("--json", invocation.json), ("--quiet", invocation.quiet)):
        reject_both("--report", report, option, given)
