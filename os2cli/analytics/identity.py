"""The user that events belong to: an internal id, never a name.

A random id is generated when it is first needed. Daytona's id of the user replaces it once known;
it is stored in a file named after the random id, so that a command that still knows an older random
id can't undo a reset.

Empty files record what a project was already sent about the user: their names hold a digest of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from os2cli.analytics import state_files
from os2cli.core.user_id import is_placeholder, is_user_id
from os2cli.host.private_files import private_folder


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity; ``anonymous`` is the random id, ``user`` Daytona's id of the user."""

    anonymous: str
    user: str | None = None

    @property
    def distinct_id(self) -> str:
        """The id that events carry."""
        return self.user or self.anonymous


def known_identity(folder: Path) -> Identity | None:
    """Return the stored identity; None if there is none or it can't be read."""
    text = (state_files.read(folder / "id") or "").strip()
    try:
        anonymous = str(UUID(text))
    except ValueError:
        return None
    if is_placeholder(anonymous):
        return None
    user = (state_files.read(_link(folder, anonymous)) or "").strip()
    return Identity(anonymous, user if is_user_id(user) else None)


def current_identity(folder: Path) -> Identity:
    """Return the stored identity, or create one; concurrent commands get the same."""
    if (known := known_identity(folder)) is not None:
        return known
    path = folder / "id"
    if not state_files.write_if_absent(path, f"{uuid4()}\n") and known_identity(folder) is None:
        # The file holds something else.
        state_files.write(path, f"{uuid4()}\n")
    return known_identity(folder) or Identity(str(uuid4()))


def link(folder: Path, identity: Identity, user: str) -> Identity:
    """Store Daytona's id of the user and return the new identity; ignore what is not an id."""
    if not is_user_id(user) or user == identity.user:
        return identity
    state_files.write(_link(folder, identity.anonymous), f"{user}\n")
    return Identity(identity.anonymous, user)


def forget(folder: Path) -> None:
    """Forget the identity and the claims; the next identity is a new one."""
    (folder / "id").unlink(missing_ok=True)
    for path in (*folder.glob("user-*"), *(folder / "told").glob("*")):
        path.unlink(missing_ok=True)


def claim(folder: Path, about: str, value: str) -> bool:
    """Return whether ``value`` is new for ``about`` and the caller is the one to send it.

    Creating the file is the claim: of commands that run at once one succeeds, and none waits.
    """
    marks = private_folder(folder / "told")
    mark = marks / f"{about}.{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    if mark.exists():
        return False
    try:
        mark.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    for other in marks.glob(f"{about}.*"):
        if other != mark:
            other.unlink(missing_ok=True)
    return True


def _link(folder: Path, anonymous: str) -> Path:
    return folder / f"user-{anonymous}"
