"""The service that sends the files of a build: of each, only what BuildKit does not have yet.

It tells the kind, size and time of all files, is asked for the contents of those that differ from
the last time, and sends them. See ``receive.go`` and ``send.go`` of tonistiigi/fsutil.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from grpc import ServicerContext

from os2cli.core.errors import Os2Error
from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.followed import followed
from os2cli.providers.local_docker.images.session.service import Service, streams
from os2cli.snapshots.context import BuildContext, ContextEntry, EntryKind, encode, read_pieces

# The kinds of a packet.
STAT, REQUEST, DATA, END, ERROR = range(5)
# A message may have 4 MB; BuildKit's own clients send this much.
CHUNK_BYTES = 32 * 1024
# Go's bits of a mode, which are not those of the system.
_GO_FOLDER, _GO_LINK = 1 << 31, 1 << 27
_CONTEXT = "context"


@dataclass(slots=True)
class FileSync:
    """The files of one build; ``failure`` is why one could not be read.

    ``dockerfile`` is what BuildKit reads instead of the context's; steps do not see it.
    """

    context: BuildContext
    dockerfile: ContextEntry | None = None
    failure: Os2Error | None = field(default=None, init=False)

    def service(self) -> Service:
        """Return the service."""
        return Service("moby.filesync.v1.FileSync", {"DiffCopy": streams(self._copy, "Packet")})

    def _copy(self, packets: Iterator[Any], call: ServicerContext) -> Iterator[Any]:
        packet = message_class("Packet")
        entries = self._wanted(_options(call))
        for entry in entries:
            yield packet(type=STAT, stat=_stat(entry))
        yield packet(type=STAT)
        for asked in packets:
            if asked.type == REQUEST and len(entries) > asked.ID:
                try:
                    for piece in read_pieces(self.context.root, entries[asked.ID]):
                        for start in range(0, len(piece), CHUNK_BYTES):
                            data = piece[start : start + CHUNK_BYTES]
                            yield packet(type=DATA, ID=asked.ID, data=data)
                except Os2Error as error:
                    self.failure = error
                    yield packet(type=ERROR, data=error.message.encode())
                    return
                yield packet(type=DATA, ID=asked.ID)
            elif asked.type == END:
                yield packet(type=END)
                return
            elif asked.type == ERROR:
                return

    def _wanted(self, options: Mapping[str, Sequence[str]]) -> list[ContextEntry]:
        """Return the entries that are asked for, in the order that BuildKit expects.

        What the ignore file excludes is not in the context, but for the Dockerfile.
        """
        entries: Sequence[ContextEntry] = self.context.entries
        for_steps = _CONTEXT in options.get("dir-name", ())
        if self.dockerfile is not None and not for_steps:
            entries = self.context.with_entry(self.dockerfile).entries
        if self.context.hidden and for_steps:
            entries = [each for each in entries if each.path != self.context.dockerfile]
        if paths := options.get("followpaths") or options.get("include-patterns"):
            entries = followed(entries, paths)
        return sorted(entries, key=lambda entry: encode(entry.path).split(b"/"))


def _options(call: ServicerContext) -> Mapping[str, Sequence[str]]:
    """Return what a call asks for: ``dir-name``, ``include-patterns``, ``followpaths``."""
    options: dict[str, list[str]] = {}
    for name, value in call.invocation_metadata():
        options.setdefault(name, []).append(
            value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
        )
    return {
        name: [unquote_plus(value) for value in values] if f"{name}-encoded" in options else values
        for name, values in options.items()
    }


def _stat(entry: ContextEntry) -> Any:
    kinds = {EntryKind.FOLDER: _GO_FOLDER, EntryKind.LINK: _GO_LINK, EntryKind.FILE: 0}
    return message_class("Stat")(
        path=encode(entry.path),
        mode=kinds[entry.kind] | _go_permissions(entry),
        size=entry.size,
        modTime=entry.modified_ns,
        linkname=encode(entry.target or ""),
    )


def _go_permissions(entry: ContextEntry) -> int:
    """Return the permissions with Go's bits for what comes before them."""
    mode = entry.mode if entry.permissions is None else entry.permissions
    special = ((stat.S_ISUID, 1 << 23), (stat.S_ISGID, 1 << 22), (stat.S_ISVTX, 1 << 20))
    return (mode & 0o777) | sum(go for bit, go in special if mode & bit)
