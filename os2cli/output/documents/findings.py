"""The document of ``doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.output.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyDocument:
    """A remedy; ``fix`` names the fix that ``doctor --fix`` runs, if there is one."""

    text: str
    commands: list[str]
    fix: str | None

    @classmethod
    def of(cls, remedy: Remedy) -> RemedyDocument:
        """Describe a remedy."""
        return cls(text=remedy.text, commands=list(remedy.commands), fix=remedy.fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingDocument:
    """The finding of one check."""

    check: str
    status: str
    what: str
    why: str | None
    remedy: RemedyDocument | None

    @classmethod
    def of(cls, finding: Finding) -> FindingDocument:
        """Describe a finding."""
        return cls(
            check=finding.check,
            status=finding.status.value,
            what=finding.what,
            why=finding.why,
            remedy=RemedyDocument.of(finding.remedy) if finding.remedy else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorDocument(Document):
    """``doctor``: ``ok`` is false if any finding is a problem."""

    ok: bool
    findings: list[FindingDocument]

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> DoctorDocument:
        """Describe all findings."""
        return cls(
            ok=all(finding.status is not Status.PROBLEM for finding in findings),
            findings=[FindingDocument.of(finding) for finding in findings],
        )
