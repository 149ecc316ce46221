"""Git and the repository, which decide the files of the image."""

from __future__ import annotations

import shlex
import shutil
import subprocess

from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

_NAME = "git"
_SECONDS = 2.5


def check_git(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that git runs and trusts the repository."""
    del engine
    program = shutil.which("git", path=inputs.variables.get("PATH", ""))
    if program is None:
        return Finding(
            _NAME,
            Status.PROBLEM,
            "git is not on the PATH",
            "git decides which files go into the image",
            Remedy("install git", ("sudo apt-get install git",)),
        )
    version = _git(inputs, program, "--version").stdout.strip().removeprefix("git version ")
    root = inputs.repo_root
    if root is None:
        why = "the image gets all files of the directory, except those in .dockerignore"
        return Finding(_NAME, Status.WARNING, f"git {version}, but this is not a Git checkout", why)
    answer = _git(inputs, program, "-C", str(root), "rev-parse", "--show-toplevel")
    if answer.returncode == 0:
        return Finding(_NAME, Status.OK, f"git {version}, repository {root}")
    lines = answer.stderr.strip().splitlines() or ["git rev-parse failed"]
    return Finding(_NAME, Status.PROBLEM, f"git rejects {root}: {lines[0]}", None, _remedy(answer))


def _remedy(answer: subprocess.CompletedProcess[str]) -> Remedy | None:
    if "dubious ownership" not in answer.stderr:
        return None
    root = shlex.quote(str(answer.args[2]))
    return Remedy(
        "trust this directory, which belongs to another user",
        (f"git config --global --add safe.directory {root}",),
    )


def _git(inputs: DoctorInputs, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments],
        env={**inputs.variables, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
