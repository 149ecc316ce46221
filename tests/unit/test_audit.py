"""What `nox -s audit` makes of a service's answer, or of none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.audit import ROOT, Audit, ask, lock_files, npm_audit, python_audit

VULNERABLE = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
SOUND = {"name": "b", "version": "2", "vulns": []}
UNKNOWN = {"name": "c", "version": "3", "skip_reason": "not found"}


def test_findings_are_listed() -> None:
    audit = python_audit({"dependencies": [VULNERABLE, SOUND, UNKNOWN]})

    assert audit == Audit(("a 1: CVE-1", "a 1: CVE-2"), 2)
    assert str(audit) == "2 findings\n  a 1: CVE-1\n  a 1: CVE-2"


def test_what_no_service_knows_has_no_data() -> None:
    assert str(python_audit({"dependencies": [UNKNOWN]})) == "no data"
    assert str(python_audit({"dependencies": [UNKNOWN, SOUND]})) == "1 packages without findings"


def test_npm_s_advisories_are_findings() -> None:
    advisory = {"module_name": "a", "vulnerable_versions": "<2", "title": "it leaks"}
    answer = {"advisories": {"1": advisory}, "metadata": {"totalDependencies": 9}}

    assert npm_audit(answer) == Audit(("a <2: it leaks",), 9)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('print(\'{"error": {"message": "405"}}\')', "405"),
        ("import sys; sys.exit('connection refused')", "connection refused"),
        ("", "no answer"),
        ("print('<html>')", "no answer"),
    ],
)
def test_a_service_that_is_away_has_no_data(script: str, reason: str, tmp_path: Path) -> None:
    answer = ask((sys.executable, "-c", script), tmp_path)

    assert str(npm_audit(answer)) == f"no data: {reason}"


def test_the_lock_files_are_those_of_the_repository() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in lock_files(ROOT)]

    assert names == [
        "sandbox/pnpm-lock.yaml",
        "sandbox/tools/pnpm-lock.yaml",
        "tests/browser/pnpm-lock.yaml",
    ]
