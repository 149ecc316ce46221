"""The files of a checkout, from git: tracked ones, and untracked ones that it does not ignore."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from os2cli.core.errors import TimedOut, UsageError
from os2cli.snapshots.context.entries import decode, displayed, is_folder, on_disk

_DEADLINE_SECONDS = 60.0

# Listing only reads, so the guard against other users' repositories is lifted for it, and the
# one program that their configuration could make it run (the file system monitor) is turned off.
_GIT = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false")
_SUBMODULE = "160000 "


@dataclass(slots=True)
class Listing:
    """Candidates for the context, relative to its root, not yet checked.

    ``files`` are files and links. ``folders`` are directories to keep even if they are empty.
    ``notes`` explain what cannot be sent; ``skipped`` counts ignored directories that were not
    entered.
    """

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    skipped: int = 0


def in_checkout(root: Path) -> bool:
    """Return whether ``root`` or a directory above it has a ``.git``, even a broken one."""
    return any(os.path.lexists(folder / ".git") for folder in (root, *root.parents))


def list_checkout(root: Path) -> Listing:
    """List the files of a working tree below ``root``, including those of submodules.

    A submodule is listed like the checkout itself, with its untracked files, which
    ``git ls-files --recurse-submodules`` would leave out.

    Raises:
        TimedOut: git did not finish within 60 seconds.
        UsageError: git is missing, or cannot read the repository.
    """
    listing = Listing()
    for record in _ls_files(root, listing, "--stage"):
        details, _, path = record.partition("\t")
        if details.startswith(_SUBMODULE) and is_folder(root, path):
            _add_submodule(listing, root, path)
        else:
            listing.files.add(path)
    for path in _ls_files(root, listing, "--others", "--exclude-standard"):
        if path.endswith("/"):
            listing.notes.append(f"{displayed(path)} is another repository: not sent")
        else:
            listing.files.add(path)
    return listing


def _add_submodule(listing: Listing, root: Path, path: str) -> None:
    if not os.path.lexists(on_disk(root, f"{path}/.git")):
        listing.notes.append(f"{displayed(path)} is a submodule that is not checked out: not sent")
        return
    inner = list_checkout(root / path)
    listing.files.update(f"{path}/{name}" for name in inner.files)
    listing.notes.extend(f"{displayed(path)}/{note}" for note in inner.notes)


def is_ignored(root: Path) -> bool:
    """Return whether git ignores the directory as a whole; raises as ``list_checkout`` does."""
    return _run(root, "check-ignore", "--quiet", ".").returncode == 0


def _ls_files(root: Path, listing: Listing, *options: str) -> list[str]:
    done = _run(root, "ls-files", "-z", *options)
    messages = done.stderr.decode(errors="backslashreplace").splitlines()
    if done.returncode:
        raise _refused(root, messages)
    listing.notes += [line.removeprefix("warning: ") for line in messages]
    return decode(done.stdout).split("\0")[:-1]


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            (*_GIT, *arguments),
            cwd=root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"{root} is a git checkout, but git is not installed",
            hint="install git, which lists the files of the build",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TimedOut(
            f"timed out after {_DEADLINE_SECONDS:.0f} s waiting for git to list {root}",
            hint="run `git status` there to see what is slow",
        ) from error


def _refused(root: Path, messages: list[str]) -> UsageError:
    reason = next((line.removeprefix("fatal: ") for line in messages if line), "no reason given")
    remedy = next((line.strip() for line in messages if "safe.directory" in line), None)
    return UsageError(
        f"git cannot list the files of {root}: {reason}",
        hint=remedy or "run `git status` there; a directory without a .git is sent as it is",
    )


def _environment() -> dict[str, str]:
    """Return the environment without variables that point git elsewhere, e.g. a hook's GIT_DIR.

    The rest is passed on because git finds its global ignore file through HOME and itself through
    PATH. Messages are in English, and git locks and refreshes nothing in the repository.
    """
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1", "LC_ALL": "C"}
    return inherited | ours
