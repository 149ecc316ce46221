"""A small ``.git`` for a build, made of a checkout's history and nothing else.

It has the commit, its branch, the tags of the history, an index, and the checkout's settings for
line ends, links and modes. It has no other branch or setting, and no remote, hook, stash or log of
the checkout. Only git reads the repository, see ``host/git.py``; what it writes is in a directory
that is removed with the build, or by the next run of os2 if this one is killed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from os2cli.host.locked_folders import temporary_folder
from os2cli.snapshots.context.archive import MODIFIED
from os2cli.snapshots.context.context import BuildContext
from os2cli.snapshots.context.entries import ContextEntry, EntryKind, decode, encode, on_disk
from os2cli.snapshots.context.history import GITLINK, History, ask_git, incomplete

PACK_SECONDS = 900.0
_NAMES = ".git/names"
# Assumed unchanged are lower-case letters.
_SKIPPED = "S"
# Times of files stand for their contents: a builder may compare only size and time.
_TIMES = 1_400_000_000


@contextmanager
def with_clean_git(context: BuildContext, *, folders: bool = True) -> Iterator[BuildContext]:
    """Add the ``.git`` that ``context.history`` asks for, for as long as the block lasts.

    ``folders`` False leaves directories out, for a builder of files only.

    Raises:
        TimedOut: git takes longer than a quarter of an hour.
        UsageError: git cannot read a part of the history (``repository_unreadable``).
    """
    if context.history is None:
        yield context
        return
    with temporary_folder("git") as place:
        _make(place, context, context.history)
        found = [entry for entry in _entries(place) if folders or entry.kind is EntryKind.FILE]
        entries = sorted((*context.entries, *found), key=lambda entry: encode(entry.path))
        yield replace(context, entries=tuple(entries))


def _make(place: Path, context: BuildContext, history: History) -> None:
    files = {
        # Git takes a directory for a repository only if it has these two.
        "objects/info/packs": b"\n",
        "refs/heads/.keep": b"",
        "HEAD": _head(history),
        "config": _settings(history),
        "packed-refs": b"".join(_refs(history)),
    }
    if history.shallow:
        files["shallow"] = b"".join(f"{commit}\n".encode() for commit in history.shallow)
    for name, content in files.items():
        path = place / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if history.commit is not None:
        _pack(place, context.root, history, history.commit)
        _write_index(place, context, history)


def _head(history: History) -> bytes:
    if history.branch is not None:
        return b"ref: " + encode(history.branch) + b"\n"
    return f"{history.commit}\n".encode()


def _settings(history: History) -> bytes:
    extensions = ""
    if history.object_format != "sha1":
        extensions += f"\tobjectFormat = {history.object_format}\n"
    if history.partial:
        # Without an address: it tells git that what is missing is known to be missing.
        extensions += "\tpartialClone = origin\n"
    core = f"[core]\n\trepositoryFormatVersion = {int(bool(extensions))}\n\tbare = false\n"
    core += "".join(f"\t{name.removeprefix('core.')} = {value}\n" for name, value in history.forms)
    remote = '[remote "origin"]\n\tpromisor = true\n' if history.partial else ""
    return (core + (f"[extensions]\n{extensions}" if extensions else "") + remote).encode()


def _refs(history: History) -> Iterator[bytes]:
    if history.branch is not None and history.commit is not None:
        yield f"{history.commit} ".encode() + encode(history.branch) + b"\n"
    for name, object_ in history.tags:
        yield f"{object_} ".encode() + encode(name) + b"\n"


def _pack(place: Path, root: Path, history: History, commit: str) -> None:
    """Write the objects of the history into one pack."""
    tips = place / "tips"
    tips.write_text("".join(f"{tip}\n" for tip in (commit, *(tag for _, tag in history.tags))))
    packs = place / ".git/objects/pack"
    packs.mkdir()
    done = ask_git(
        root,
        "pack-objects",
        "--revs",
        "--quiet",
        "--delta-base-offset",
        # With more, the same objects would be packed otherwise each time.
        "--threads=1",
        *(["--missing=allow-promisor"] if history.partial else []),
        str(packs / "pack"),
        stdin=tips,
        seconds=PACK_SECONDS,
    )
    tips.unlink()
    if done.failed:
        raise incomplete(root, done, partial=history.partial)
    if history.partial:
        (packs / f"pack-{done.stdout.decode().strip()}.promisor").touch()


def _write_index(place: Path, context: BuildContext, history: History) -> None:
    """Write an index of the commit; files that stay on this host do not count as removed."""
    done = ask_git(place, "read-tree", "HEAD", plain=True)
    if done.failed:
        raise incomplete(context.root, done, partial=history.partial)
    sent = {entry.path for entry in context.entries}
    folders = {str(folder) for path in sent for folder in PurePosixPath(path).parents}
    _announce(place, context, [path for path in history.added if path in sent])
    skipped = _skipped(context.root)
    left_out = []
    for record in _listed(place, "--stage"):
        details, _, path = record.partition("\t")
        if path in skipped:
            left_out.append(path)
        elif path in sent or (details.startswith(GITLINK) and path in folders):
            continue
        elif os.path.lexists(on_disk(context.root, path)):
            left_out.append(path)
    if left_out:
        names = place / _NAMES
        names.write_bytes(b"".join(encode(path) + b"\0" for path in left_out))
        options = ("-z", "--skip-worktree", "--stdin")
        done = ask_git(place, "update-index", *options, stdin=names, plain=True)
        names.unlink()
        if done.failed:
            raise incomplete(context.root, done)


def _announce(place: Path, context: BuildContext, added: list[str]) -> None:
    """Let the index know files that are staged and not committed: git counts them as changes."""
    if not added:
        return
    for path in added:
        file = Path(os.fsdecode(on_disk(place, path)))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    options = ("--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
    names = place / _NAMES
    names.write_bytes(b"".join(b":(literal)" + encode(path) + b"\0" for path in added))
    done = ask_git(place, "add", *options, stdin=names, plain=True)
    names.unlink()
    if done.failed:
        raise incomplete(context.root, done)


def _skipped(root: Path) -> set[str]:
    """Return the files that git does not look at: left out by a sparse checkout, or marked so."""
    return {
        record[2:]
        for record in _listed(root, "-v")
        if record.startswith(_SKIPPED) or record[0].islower()
    }


def _listed(root: Path, option: str) -> list[str]:
    done = ask_git(root, "ls-files", "-z", option)
    if done.failed:
        raise incomplete(root, done)
    return decode(done.stdout).split("\0")[:-1]


def _entries(place: Path) -> Iterator[ContextEntry]:
    """Yield what was made, with times that stand for contents."""
    for path in (place / ".git", *sorted((place / ".git").rglob("*"))):
        name = path.relative_to(place).as_posix()
        if path.is_dir():
            yield ContextEntry(name, EntryKind.FOLDER, 0o755, modified_ns=MODIFIED * 10**9)
            continue
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").digest()
        seconds = MODIFIED + int.from_bytes(digest[:8]) % _TIMES
        os.utime(path, (seconds, seconds))
        found = path.lstat()
        yield ContextEntry(
            name,
            EntryKind.FILE,
            0o644,
            found.st_size,
            modified_ns=found.st_mtime_ns,
            permissions=stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH,
            folder=place,
        )
