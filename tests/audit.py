"""`nox -s audit`: known vulnerabilities of what is pinned; no data where no service answers.

`audit.py` runs pip-audit on the requirement files and `pnpm audit` on the lock files. It fails on a
finding, and reports which files no service knows anything about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PIP_AUDIT = ("pip-audit", "--require-hashes", "--disable-pip", "--progress-spinner=off")
SECONDS = 600


@dataclass(frozen=True)
class Audit:
    """What a service said about a file: findings, and how many packages it knows."""

    findings: tuple[str, ...] = ()
    known: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.findings:
            return f"{len(self.findings)} findings\n" + "\n".join(f"  {f}" for f in self.findings)
        return f"{self.known} packages without findings" if self.known else f"no data{self.reason}"


def python_audit(answer: Any) -> Audit:
    """Read pip-audit's JSON."""
    packages = answer["dependencies"]
    findings = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    return Audit(tuple(findings), sum("vulns" in package for package in packages))


def npm_audit(answer: Any) -> Audit:
    """Read the JSON of ``pnpm audit``."""
    if "error" in answer:
        return Audit(reason=f": {answer['error']['message'][:200]}")
    findings = [
        f"{advisory['module_name']} {advisory['vulnerable_versions']}: {advisory['title']}"
        for advisory in answer["advisories"].values()
    ]
    return Audit(tuple(findings), answer["metadata"]["totalDependencies"])


def ask(command: Sequence[str], folder: Path) -> Any:
    """Return the JSON that a program printed, or an error instead.

    Its exit code says nothing: it is the same for a finding and for a service that is away.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": {"message": "it did not end"}}
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return {"error": {"message": last}}


def lock_files(root: Path) -> list[Path]:
    """Return the lock files of this repository, and not of what was installed beside it."""
    command = ["git", "ls-files", "-z", "--", "*pnpm-lock.yaml"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(root / name for name in listed.split("\0") if name)


def main(pnpm: Sequence[str]) -> int:
    """Audit every file; return the exit code."""
    audits: dict[str, Audit] = {}
    for path in sorted(ROOT.glob("requirements/*.txt")):
        answer = ask((*PIP_AUDIT, "--format=json", f"--requirement={path}"), ROOT)
        away = "error" in answer
        audits[path.relative_to(ROOT).as_posix()] = (
            npm_audit(answer) if away else python_audit(answer)
        )
    for path in lock_files(ROOT):
        answer = ask((*pnpm, "audit", "--json"), path.parent)
        audits[path.relative_to(ROOT).as_posix()] = npm_audit(answer)
    for name, audit in audits.items():
        print(f"{name}: {audit}")
    return 1 if any(audit.findings for audit in audits.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
