"""What a machine's tar says of files that it did not pack, in GNU's words or BusyBox's."""

from __future__ import annotations

from collections.abc import Iterator

from os2cli.core.first_bytes import MAX_BYTES
from os2cli.machines.omissions import Omissions

# Of these, the file is in the archive, but another process wrote to it.
_CHANGED = ("file changed as we read it", "File shrank by")
# Nothing is missing that could be copied.
_IGNORED = ("socket ignored", "door ignored", "file system of the kernel ignored")
_REMOVED = ("File removed before we read it",)
_UNREADABLE = ("Cannot ", "can't ", "Permission denied", "Read error")
_SUMMARIES = (
    "Exiting with failure status",
    "error exit delayed",
    "Removing leading",
    "Ignoring unknown extended",
)


def complaints(stderr: bytes) -> Omissions:
    """Return the entries that a tar's messages name; each line is one."""
    omissions = Omissions(is_whole=len(stderr) < MAX_BYTES)
    folders: list[str] = []
    for line in tar_lines(stderr):
        path, reason = _split(line)
        if reason.startswith(_CHANGED):
            omissions.add_changed(path)
        elif reason in _IGNORED:
            if not any(path.startswith(f"{folder}/") for folder in folders[:1000]):
                omissions.add(path, f"it is a {reason.removesuffix(' ignored')}")
            if reason == _IGNORED[-1]:
                folders.append(path)
        elif reason in _REMOVED:
            omissions.add(path, "it was removed meanwhile")
        else:
            omissions.add(path, reason, failed=True)
    return omissions


def tar_lines(stderr: bytes) -> Iterator[str]:
    """Yield the messages of a tar without its name, and without those that name no entry."""
    for line in stderr.decode(errors="replace").splitlines():
        text = line.removeprefix("tar: ").strip()
        if text and not text.startswith(_SUMMARIES):
            yield text


def _split(line: str) -> tuple[str, str]:
    """Return the path and the rest, at the first mark: a path may have a colon."""
    known = (*_CHANGED, *_IGNORED, *_REMOVED, *_UNREADABLE)
    places = [place for mark in known if (place := line.find(f": {mark}")) >= 0]
    if not places:
        return "", line
    return line[: min(places)], line[min(places) + 2 :]
