"""``os2 doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.commands._completions import complete_stage
from os2cli.core.errors import UsageError
from os2cli.settings.invocation import Invocation


def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Run the fixes that destroy nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before fixing.")] = False,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            autocompletion=complete_stage,
            help="Check with this stage.",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Print Markdown for a bug report, without names of people and hosts or secrets.",
        ),
    ] = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Check engine, image, stage and Daytona; say what is wrong and what helps.

    Exits 1 when there is a problem; warnings alone are fine.

    [dim]Examples:[/dim]
      os2 doctor
      os2 doctor --fix --yes
      os2 doctor --report > report.md
    """
    # The checks import half the standard library, and ``os2 --help`` imports this module.
    from os2cli.app.repairs import examine, planned_fixes, run_fixes
    from os2cli.output.views.findings import exit_status, show_findings
    from os2cli.output.views.report import show_report

    options.reject_without("--yes", yes, "--fix", fix)
    session = Session.start(ctx, docker_host)
    refuse_other_forms(session.invocation, report=report)
    findings = examine(session, stage)
    if fix and (fixes := planned_fixes(session, findings)):
        progress = session.output.progress()
        command = "os2 doctor --fix --yes"
        if run_fixes(session, fixes, progress, yes=yes, command=command):
            findings = examine(session, stage)
    elif fix:
        session.output.note("there is nothing that os2 can fix by itself")
    if report:
        show_report(session.output, findings, session.settings, session.owner)
    else:
        show_findings(session.output, findings)
    raise typer.Exit(exit_status(findings))


def refuse_other_forms(invocation: Invocation, *, report: bool) -> None:
    """A report is for people to read: it has one form."""
    for option, given in (("--json", invocation.json), ("--quiet", invocation.quiet)):
        if report and given:
            raise UsageError(
                f"--report and {option} contradict each other",
                hint="leave one of them out",
                code="option_invalid",
            )
