"""A page on disk that takes a browser to an address with a secret in it.

All users of this host can read the arguments of a browser. It gets the path of a file that only its
user can read, and the file sends the browser on.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path

from os2cli.core.errors import OperationFailed
from os2cli.host.browser import start_browser
from os2cli.host.private_files import PRIVATE_FOLDER, is_left, private_folder

# A browser that must be started first takes some of it.
PAGE_SECONDS = 60.0
_PREFIX, _SUFFIX = "open-", ".html"
# Browsers that are snaps read neither hidden directories of the home nor /run/user nor /tmp.
SNAPS = Path("/snap/bin")
RUNTIME = Path("/run/user")
_POST = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>os2</title>
<form method="post" action="{action}">
{inputs}
<button>Continue</button>
</form>
<script>document.forms[0].submit()</script>
</html>
"""


def posting_page(action: str, fields: Mapping[str, str]) -> str:
    """Return a page that posts a form; its fields get into no history."""
    inputs = (
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return _POST.format(action=escape(action), inputs="\n".join(inputs))


class ForwardingPage:
    """A page in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> None:
        """Open the page in the user's browser.

        Raises:
            OperationFailed: there is no browser on this host.
        """
        start_browser(self.path.as_uri())

    def remove(self) -> None:
        """Remove the file, and its directory if it was the last."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.path.parent.rmdir()


@contextmanager
def forwarding_page(html: str, home: Path, state: Path) -> Iterator[ForwardingPage]:
    """Write a page while in the block; pages that a killed process left are removed.

    Raises:
        OperationFailed: no directory can hold it.
    """
    page = ForwardingPage(_written(html, _places(home, state)))
    try:
        yield page
    finally:
        page.remove()


def _places(home: Path, state: Path) -> Iterator[Path]:
    """Yield where a browser may read the page, the best place first."""
    if SNAPS.is_dir():
        yield home / "os2-pages"
    runtime = RUNTIME / str(os.getuid())
    if runtime.is_dir():
        yield runtime / "os2"
    yield state / "pages"


def _written(html: str, places: Iterator[Path]) -> Path:
    reason = "no place"
    for folder in places:
        try:
            _make_private(folder)
            _sweep(folder)
            return _write(html, folder)
        except OSError as error:
            reason = error.strerror or type(error).__name__
    raise OperationFailed(
        f"cannot write a page for the browser: {reason}",
        hint="set XDG_STATE_HOME to a directory that you can write",
        code="page_unwritable",
    )


def _make_private(folder: Path) -> None:
    """Create a directory that no other user can enter; reject one of another user."""
    private_folder(folder)
    # A link would lead to a directory that others may write.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError(1, "the directory belongs to another user")
        os.fchmod(descriptor, PRIVATE_FOLDER)
    finally:
        os.close(descriptor)


def _write(html: str, folder: Path) -> Path:
    path = folder / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(html)
    return path


def _sweep(folder: Path) -> None:
    """Remove the pages of processes that are gone, and those that are too old."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        owner = path.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            if is_left(path, owner, PAGE_SECONDS):
                path.unlink()
