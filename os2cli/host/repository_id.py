"""An id of a repository: the same for every run, and nothing that another repository could choose.

It is a keyed hash of where the repository is. The path itself would say too much on an image that
is published; and what a repository holds, its author can copy into another one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from os2cli.core.errors import OperationFailed
from os2cli.core.small_files import read_small
from os2cli.host.private_files import create_file
from os2cli.host.repository import Source, bundled_source, find_repository

# machine-id(5): it must not leave the host, but as the key of a hash it may. Unlike a key in the
# state directory, it is the same for every user and in a CI job with a new home.
_MACHINE_ID = Path("/etc/machine-id")
_MACHINE_ID_DIGITS = 32
_ID_DIGITS = 32
_KEY_BYTES = 32
_BUNDLED = "bundled"
# The files that link a worktree to its repository hold one path; see gitrepository-layout(5).
_PATH_BYTES = 16_384


def repository_id(source: Source, state_dir: Path, machine_id: Path = _MACHINE_ID) -> str:
    """Return the id of the repository that ``source`` is in: hexadecimal digits.

    The sandbox bundled with os2 has one of its own, also in os2's checkout. ``state_dir`` keeps a
    key if the host has none.

    Raises:
        OperationFailed: the key cannot be created.
    """
    identity = _BUNDLED if _is_bundled(source) else os.fsdecode(_place(source.root))
    key = _host_key(state_dir / "repository-key", machine_id)
    digest = hmac.new(key, f"os2 repository {identity}".encode(errors="surrogateescape"), "sha256")
    return digest.hexdigest()[:_ID_DIGITS]


def _is_bundled(source: Source) -> bool:
    return source.bundled or source.root == bundled_source().root


def _place(root: Path) -> Path:
    """Return the main checkout's directory: the worktrees of a repository share an id."""
    checkout = find_repository(root) or root.resolve()
    common = _common_directory(checkout)
    if common is None:
        return checkout
    return common.parent if common.name == ".git" else common


def _common_directory(checkout: Path) -> Path | None:
    """Return the repository of a linked worktree, None if ``checkout`` is not one.

    Anyone can write a ``.git`` file that names another repository: what is in that repository must
    name the worktree as well.
    """
    link = checkout / ".git"
    if link.is_symlink() or not link.is_file():
        return None
    with suppress(OSError):
        own = (checkout / _line(link).removeprefix("gitdir: ")).resolve()
        common = own.parents[1]
        named = os.path.realpath(own / _line(own / "gitdir"))
        if own.parent == common / "worktrees" and named == os.path.realpath(link):
            return common
    return None


def _line(path: Path) -> str:
    return os.fsdecode(read_small(path, _PATH_BYTES)).rstrip("\n")


def _host_key(path: Path, machine_id: Path) -> bytes:
    with suppress(OSError):
        found = read_small(machine_id, 1000).strip()
        # Before the first boot it is empty or "uninitialized".
        if len(found) == _MACHINE_ID_DIGITS:
            return hashlib.sha256(found).digest()
    try:
        return _kept_key(path)
    except OSError as error:
        raise OperationFailed(
            f"cannot keep a key in {path}: {error.strerror or error}",
            hint="free some disk space, or set XDG_STATE_HOME to a writable directory",
        ) from error


def _kept_key(path: Path) -> bytes:
    """Return the key in the file, created by the first of several processes."""
    with suppress(FileNotFoundError):
        key = read_small(path, _KEY_BYTES)
        if len(key) == _KEY_BYTES:
            return key
        path.unlink(missing_ok=True)
    create_file(path, secrets.token_bytes(_KEY_BYTES))
    return read_small(path, _KEY_BYTES)
