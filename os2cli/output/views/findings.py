"""What ``doctor`` shows."""

from __future__ import annotations

from collections.abc import Sequence

from os2cli.doctor.findings import Finding, FixId, Status
from os2cli.output import Output
from os2cli.output.documents.findings import DoctorDocument

# Each status is a word, so that it can be read without colours.
_STYLES = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.PROBLEM: "bold red",
    Status.SKIPPED: "dim",
}
_STATUS_WIDTH = max(len(status.value) for status in Status)


def show_findings(output: Output, findings: Sequence[Finding]) -> None:
    """Show all findings, each with its remedy."""

    def write_text() -> None:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            _show_finding(output, finding, width)

    problems = [f.check for f in findings if f.status is Status.PROBLEM]
    output.result(DoctorDocument.of(findings), write_text, names=problems)


def exit_status(findings: Sequence[Finding]) -> int:
    """Return 1 if there is a problem, else 0."""
    return int(any(finding.status is Status.PROBLEM for finding in findings))


def _show_finding(output: Output, finding: Finding, width: int) -> None:
    status = finding.status.value.ljust(_STATUS_WIDTH)
    lead = ((status, _STYLES[finding.status]), (f"  {finding.check.ljust(width)}  ", "bold"))
    output.hanging(lead, finding.what)
    indent = " " * (_STATUS_WIDTH + width + 4)
    if finding.why:
        output.hanging((indent,), finding.why, "dim")
    if finding.remedy:
        output.hanging((f"{indent}→ ",), f"{finding.remedy.text}{_fixable(finding.remedy.fix)}")
        for command in finding.remedy.commands:
            output.parts((f"{indent}  $ {command}", "cyan"))


def _fixable(fix: FixId | None) -> str:
    # A fix with a name is among the commands; the others need root.
    return "" if fix is None or fix.by_name else " (as root: os2 doctor --fix)"
