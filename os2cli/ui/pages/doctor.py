"""The doctor's findings, and the fixes that os2 can run itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from os2cli.app.fixes import examine, planned_fixes, run_fixes
from os2cli.app.session import Session
from os2cli.core.errors import NotFound
from os2cli.core.progress import Progress
from os2cli.doctor.findings import Finding, Status
from os2cli.ui.jobs.job import Outcome
from os2cli.ui.pages.forms import Fields
from os2cli.ui.pages.mutations import Mutation, begin, job_answer
from os2cli.ui.site import Site, site_of, threaded

# The worst first.
_ORDER = (Status.PROBLEM, Status.WARNING, Status.OK, Status.SKIPPED)


async def show_doctor(request: Request) -> Response:
    """Show the page at once; the findings follow as a part."""
    site = site_of(request)
    job = next((j for j in site.jobs.running() if j.procedure == "doctor"), None)
    if "part" not in request.query_params and "plain" not in request.query_params:
        return await site.show(request, "doctor/page.html", title="Doctor", findings=None, job=job)
    findings, fixes = await threaded(_examine, site)
    values: dict[str, Any] = {"findings": findings, "fixes": fixes, "job": job}
    if "part" in request.query_params:
        return site.part("doctor/findings.html", **values)
    return await site.show(request, "doctor/page.html", title="Doctor", **values)


def _examine(site: Site) -> tuple[list[Finding], dict[str, tuple[str, tuple[str, ...]]]]:
    """Return the findings, and for those that os2 can fix the title and actions of the fix."""
    session = site.context.session()
    findings = examine(session, site.context.stage)
    findings.sort(key=lambda finding: _ORDER.index(finding.status))
    planned: dict[str, tuple[str, tuple[str, ...]]] = {}
    for finding in findings:
        fixes = planned_fixes(session, [finding])
        if fixes:
            actions = tuple(action for fix in fixes for action in fix.actions)
            planned[finding.check] = (" and ".join(fix.title for fix in fixes), actions)
    return findings, planned


async def fix(request: Request) -> Response:
    """Start a job that fixes one finding."""
    async with request.form(max_files=0, max_fields=5) as form:
        check = Fields(form).text("check") or ""
    mutation = Mutation(
        "doctor",
        f"Fix {check}",
        partial(_fix, check),
        {"fix": True, "yes": True},
        f"doctor/{check}",
        "os2 doctor --fix",
    )
    return job_answer(request, begin(site_of(request), mutation))


def _fix(check: str, session: Session, progress: Progress) -> Outcome:
    findings = [finding for finding in examine(session) if finding.check == check]
    fixes = planned_fixes(session, findings)
    if not fixes:
        raise NotFound(
            f"os2 cannot fix {check} itself",
            hint="see the doctor's page for what to do",
        )
    run_fixes(session, fixes, progress, yes=True, command="os2 doctor --fix --yes")
    after: Sequence[Finding] = [f for f in examine(session) if f.check == check]
    return Outcome(
        " · ".join(finding.what for finding in after),
        (("Doctor", "/doctor"), ("Machines", "/machines")),
    )


ROUTES = [Route("/doctor", show_doctor), Route("/doctor/fix", fix, methods=["POST"])]
