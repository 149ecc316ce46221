"""What a clean ``.git`` has of a checkout: its commit, its branch, and the tags of its history."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import TimedOut, UsageError
from os2cli.core.small_files import read_small
from os2cli.host.git import GitOutputTooLarge, GitResult, GitTimeout, Subcommand, find_git, run_git
from os2cli.snapshots.context.entries import decode
from os2cli.snapshots.context.git import in_checkout

OPTION = "--with-git"
_SECONDS = 60.0
_MAX_SHALLOW_BYTES = 16_000_000
_PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
# The mode of a submodule.
GITLINK = "160000 "
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
# Without these, git takes files for changed that are as it wrote them here.
_FORMS = {
    "core.filemode": ("false",),
    "core.symlinks": ("false",),
    "core.autocrlf": ("true", "input"),
    "core.eol": ("lf", "crlf"),
}
_WORDS = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}


@dataclass(frozen=True, slots=True)
class History:
    """The history of a checkout.

    ``commit`` is None before the first one, ``branch`` (``refs/heads/…``) None without one.
    ``tags`` are objects by their full names. ``shallow`` are the commits whose parents a shallow
    clone lacks. ``partial``: a partial clone lacks other objects. ``forms`` are the checkout's own
    settings for how git writes files. ``added`` are staged files that the commit does not have.
    """

    commit: str | None
    branch: str | None
    tags: tuple[tuple[str, str], ...] = ()
    shallow: tuple[str, ...] = ()
    object_format: str = "sha1"
    partial: bool = False
    forms: tuple[tuple[str, str], ...] = ()
    added: tuple[str, ...] = ()

    @property
    def identity(self) -> bytes:
        """Bytes that are equal for equal histories, also from other packs."""
        added = (self.added,) if self.added else ()
        return repr(
            (self.commit, self.branch, self.tags, self.shallow, self.forms, *added)
        ).encode()


def read_history(root: Path) -> History:
    """Read the history of the checkout whose root this is.

    Raises:
        TimedOut: git takes longer than a minute.
        UsageError: it is not the root of a checkout (``git_not_found``), or git cannot read the
            repository (``repository_unreadable``).
    """
    if not in_checkout(root):
        raise UsageError(
            f"{OPTION}: {root} is not a git checkout",
            hint="leave it out, or name a checkout: --repo PATH",
            code="git_not_found",
        )
    object_format, is_shallow = _check_place(root)
    named = ask_git(root, "symbolic-ref", "--quiet", "HEAD")
    name = decode(named.stdout.removesuffix(b"\n")) if named.returncode == 0 else ""
    branch = name if name.startswith(_BRANCHES) else None
    commit = _commit(root)
    if commit is None and (branch is None or _is_damaged(root)):
        raise _unreadable(root, "its HEAD leads to no commit")
    if commit is None:
        return History(None, branch, object_format=object_format)
    packs = decode(_answer(root, "rev-parse", "--git-path", "objects/pack").removesuffix(b"\n"))
    return History(
        commit,
        branch,
        _tags(root, commit),
        _shallow(root, commit) if is_shallow else (),
        object_format,
        partial=any((root / packs).glob("*.promisor")),
        forms=_forms(root),
        added=_added(root, commit),
    )


def _check_place(root: Path) -> tuple[str, bool]:
    """Return the object format, and whether the clone is shallow."""
    answer = _answer(
        root, "rev-parse", "--show-object-format", "--is-shallow-repository", "--show-prefix"
    )
    object_format, is_shallow, prefix = decode(answer).split("\n", 2)
    if prefix.strip("\n"):
        top = decode(_answer(root, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
        raise UsageError(
            f"{OPTION}: {root} is not the root of its checkout, to which a .git belongs",
            hint=f"build from there: --repo {top}",
            code="git_not_found",
        )
    return object_format, is_shallow == "true"


def _forms(root: Path) -> tuple[tuple[str, str], ...]:
    """Return the settings of ``_FORMS`` that this checkout has; the user's are not in an image."""
    names = f"^({'|'.join(_FORMS)})$".replace(".", r"\.")
    done = ask_git(root, "config", "-z", "--show-scope", "--get-regexp", names)
    fields = decode(done.stdout).split("\0")[:-1]
    found = {}
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        name, _, value = setting.partition("\n")
        if scope in ("local", "worktree"):
            found[name] = _WORDS.get(value.lower(), value.lower() or "true")
    return tuple(sorted((name, value) for name, value in found.items() if value in _FORMS[name]))


def _added(root: Path, commit: str) -> tuple[str, ...]:
    committed = ask_git(root, "ls-tree", "-r", "-z", "--name-only", commit)
    staged = ask_git(root, "ls-files", "-z", "--stage")
    if committed.failed or staged.failed:
        # A partial clone lacks directories, which is reported when the history is packed.
        return ()
    records = (record.partition("\t") for record in decode(staged.stdout).split("\0")[:-1])
    names = {path for details, _, path in records if not details.startswith(GITLINK)}
    return tuple(sorted(names - set(decode(committed.stdout).split("\0"))))


def _commit(root: Path) -> str | None:
    found = ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return found.stdout.decode().strip() if found.returncode == 0 else None


def _is_damaged(root: Path) -> bool:
    """Return whether HEAD names an object that is not there, or no commit."""
    return ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0


def _tags(root: Path, commit: str) -> tuple[tuple[str, str], ...]:
    """Return the tags of the commit and of those before it, as ``git describe`` needs them."""
    form = "--format=%(objectname) %(refname)"
    lines = _answer(root, "for-each-ref", f"--merged={commit}", form, _TAGS).splitlines()
    pairs = (decode(line).partition(" ") for line in lines)
    return tuple(sorted((name, object_) for object_, _, name in pairs))


def _shallow(root: Path, commit: str) -> tuple[str, ...]:
    place = decode(_answer(root, "rev-parse", "--git-path", "shallow").removesuffix(b"\n"))
    try:
        listed = set(read_small(root / place, _MAX_SHALLOW_BYTES).decode("ascii").split())
    except (OSError, ValueError) as error:
        raise _unreadable(
            root, "it is shallow, and the list of its last commits is not readable"
        ) from error
    ends = _answer(root, "rev-list", "--max-parents=0", commit).decode().split()
    return tuple(sorted(listed.intersection(ends)))


def _answer(root: Path, subcommand: Subcommand, *arguments: str) -> bytes:
    done = ask_git(root, subcommand, *arguments)
    if done.failed:
        raise _unreadable(root, done.reason, done.remedy)
    return done.stdout


def ask_git(
    root: Path,
    subcommand: Subcommand,
    *arguments: str,
    stdin: Path = Path(os.devnull),
    seconds: float = _SECONDS,
    plain: bool = False,
) -> GitResult:
    """Run git for ``--with-git``; raises ``TimedOut`` and ``UsageError`` as ``read_history``.

    ``plain`` ignores the user's settings, with which an older git may not read what is written.
    """
    program = find_git(os.environ)
    if program is None:
        raise UsageError(
            f"{OPTION} needs git, which is not installed", hint="install git, or leave it out"
        )
    try:
        return run_git(
            program,
            root,
            subcommand,
            *arguments,
            environ={**os.environ, **_PLAIN} if plain else os.environ,
            seconds=seconds,
            stdin=stdin,
        )
    except GitTimeout as error:
        raise TimedOut(
            f"timed out after {seconds:.0f} s waiting for git to read the history of {root}",
            hint=f"build from a clone with less history, or without {OPTION}",
        ) from error
    except GitOutputTooLarge as error:
        raise _unreadable(root, "it has too many tags or commits") from error


def _unreadable(root: Path, reason: str, remedy: str | None = None) -> UsageError:
    return UsageError(
        f"{OPTION}: git cannot read the history of {root}: {reason}",
        hint=remedy or "run `git fsck` there, or build without it",
        code="repository_not_trusted" if remedy else "repository_unreadable",
    )


def incomplete(root: Path, done: GitResult, *, partial: bool = False) -> UsageError:
    """Return the failure of a git that misses objects of a history."""
    if not partial:
        return _unreadable(root, done.reason, done.remedy)
    return UsageError(
        f"{OPTION}: {root} is a partial clone without the files or directories of its commit",
        hint="nothing is fetched for a build: use a full clone, or check out the commit first",
        code="repository_unreadable",
    )
