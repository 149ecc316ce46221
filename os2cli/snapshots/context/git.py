"""The files of a checkout, from git: tracked ones, and untracked ones that it does not ignore."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from os2cli.core.errors import TimedOut, UsageError
from os2cli.host.git import (
    GitOutputTooLarge,
    GitResult,
    GitTimeout,
    Subcommand,
    find_git,
    run_git,
)
from os2cli.snapshots.context.entries import decode, displayed, is_folder, on_disk

_DEADLINE_SECONDS = 60.0
_MAX_NOTES = 100
_SUBMODULE = "160000 "
# An index is only data: git does not check the paths in it when it reads one.
_UNSAFE_NAMES = frozenset({"", ".", "..", ".git"})


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
        UsageError: git is missing, cannot read the repository, or does not trust its owner.
    """
    listing = Listing()
    pending = [""]
    while pending:
        pending += _list_one(root, pending.pop(), listing)
    return listing


def _list_one(root: Path, above: str, listing: Listing) -> list[str]:
    """List the repository at ``above``, which ends in ``/`` or is empty; return its submodules."""
    submodules = []
    for record in _ls_files(root, above, listing, "--stage"):
        details, _, name = record.partition("\t")
        path = _checked(root, above + name)
        if not details.startswith(_SUBMODULE) or not is_folder(root, path):
            listing.files.add(path)
        elif os.path.lexists(on_disk(root, f"{path}/.git")):
            submodules.append(f"{path}/")
        else:
            _note(listing, f"{displayed(path)} is a submodule that is not checked out: not sent")
    for name in _ls_files(root, above, listing, "--others", "--exclude-standard"):
        if name.endswith("/"):
            _note(listing, f"{displayed(above + name)} is another repository: not sent")
        else:
            listing.files.add(_checked(root, above + name))
    return submodules


def is_ignored(root: Path) -> bool:
    """Return whether git ignores the directory as a whole; raises as ``list_checkout`` does."""
    return _run(root, "check-ignore", "--quiet", ".").returncode == 0


def _ls_files(root: Path, above: str, listing: Listing, *options: str) -> list[str]:
    place = Path(os.fsdecode(on_disk(root, above)))
    done = _run(place, "ls-files", "-z", *options)
    if done.failed:
        raise _unreadable(place, done)
    for line in done.messages:
        _note(listing, displayed(above) + line.removeprefix("warning: "))
    return decode(done.stdout).split("\0")[:-1]


def _unreadable(place: Path, done: GitResult) -> UsageError:
    reason, code = done.reason, "repository_unreadable"
    hint = "run `git status` there; a directory without a .git is sent as it is"
    if "safe.bareRepository" in reason:
        reason, hint = "it is a bare repository, not a work tree", "name a work tree: --repo PATH"
    elif done.remedy:
        hint, code = done.remedy, "repository_not_trusted"
    elif done.returncode == 0:
        hint = "if you trust the repository, fetch what is missing: git ls-files"
    return UsageError(f"git cannot list the files of {place}: {reason}", hint=hint, code=code)


def _checked(root: Path, path: str) -> str:
    if _UNSAFE_NAMES.isdisjoint(path.lower().split("/")):
        return path
    raise UsageError(
        f"the index of {root} has a path outside of its files: {displayed(path)}",
        hint="do not build from this repository: git does not make an index like this",
        code="repository_unreadable",
    )


def _note(listing: Listing, text: str) -> None:
    if len(listing.notes) < _MAX_NOTES:
        listing.notes.append(text)
    elif len(listing.notes) == _MAX_NOTES:
        listing.notes.append(f"more than {_MAX_NOTES} notes: the others are not shown")


def _run(root: Path, subcommand: Subcommand, *arguments: str) -> GitResult:
    program = find_git(os.environ)
    try:
        if program is None:
            raise FileNotFoundError
        return run_git(
            program,
            root,
            subcommand,
            *arguments,
            environ=os.environ,
            seconds=_DEADLINE_SECONDS,
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"{root} is a git checkout, but git is not installed",
            hint="install git, which lists the files of the build",
        ) from error
    except GitTimeout as error:
        raise TimedOut(
            f"timed out after {_DEADLINE_SECONDS:.0f} s waiting for git to list {root}",
            hint="run `git status` there to see what is slow",
        ) from error
    except GitOutputTooLarge as error:
        raise UsageError(
            f"git lists too many files in {root}",
            hint="build from a directory with fewer files: --repo PATH",
            code="repository_unreadable",
        ) from error
