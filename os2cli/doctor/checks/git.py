"""Git and the repository, which decide the files of the image."""

from __future__ import annotations

import shlex
from pathlib import Path

from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.host.git import GitResult, GitTimeout, Subcommand, find_git, run_git

_NAME = "git"
_SECONDS = 2.5


def check_git(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that git runs and trusts the repository."""
    del engine
    program = find_git(inputs.variables)
    if program is None:
        return Finding(
            _NAME,
            Status.PROBLEM,
            "git is not on the PATH",
            "git decides which files go into the image",
            Remedy("install git", ("sudo apt-get install git",)),
        )
    root = inputs.repo_root
    words = _git(inputs, program, root or Path("/"), "version").stdout.decode(errors="replace")
    version = words.strip().removeprefix("git version ")
    if root is None:
        why = "the image gets all files of the directory, except those in .dockerignore"
        return Finding(_NAME, Status.WARNING, f"git {version}, but this is not a Git checkout", why)
    answer = _git(inputs, program, root, "rev-parse", "--show-toplevel")
    if answer.returncode == 0:
        return Finding(_NAME, Status.OK, f"git {version}, repository {root}")
    remedy = _trust(root) if answer.remedy else None
    return Finding(_NAME, Status.PROBLEM, f"git rejects {root}: {answer.reason}", None, remedy)


def _trust(root: Path) -> Remedy:
    return Remedy(
        "trust this directory, which belongs to another user",
        (f"git config --global --add safe.directory {shlex.quote(str(root))}",),
    )


def _git(
    inputs: DoctorInputs, program: str, folder: Path, subcommand: Subcommand, *arguments: str
) -> GitResult:
    try:
        return run_git(
            program, folder, subcommand, *arguments, environ=inputs.variables, seconds=_SECONDS
        )
    except GitTimeout:
        return GitResult(1, b"", f"timed out after {_SECONDS:g} s".encode())
