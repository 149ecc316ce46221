"""The first stage of a Debian system: the content of its packages as one tar stream.

Its programs run although no package is configured; the second stage (``configure.sh``) configures
them inside a container, as debootstrap(8) does after chroot.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from os2cli.providers.local_docker.base_image.failures import no_base

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

STAGING = "var/tmp/os2"
"""The directory of the packages and the second stage, which removes it."""

DOCUMENTATION = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
)
"""Directories that a sandbox does not need."""

_EXCLUDED = tuple(f"{folder}/" for folder in DOCUMENTATION)

# On a merged /usr these are links before the first package is unpacked; dpkg keeps them.
_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file of ours: its path without the leading slash, its content and its mode."""

    path: str
    content: bytes
    mode: int = 0o644


def first_stage(packages: Sequence[Path], files: Sequence[File]) -> Iterator[bytes]:
    """Yield a tar archive of the merged packages, the packages themselves and ``files``.

    Memory use stays below the largest single file of a package.

    Raises:
        OperationFailed: ``base_unavailable`` if a package cannot be unpacked.
    """
    stream = _TarStream()
    # The first package with a directory decides its mode: base-files has the right ones.
    for package in sorted(packages, key=lambda path: not path.name.startswith("base-files_")):
        for member, content in _members(package):
            stream.merge(member, content)
            yield from stream.written()
    for package in packages:
        with package.open("rb") as content:
            info = tarfile.TarInfo(f"{STAGING}/{package.name}")
            info.size = package.stat().st_size
            stream.add(info, content)
        yield from stream.written()
    for file in files:
        stream.add_file(file)
    stream.close()
    yield from stream.written()


class _Pieces(io.RawIOBase):
    """The file that ``tarfile`` writes to."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: Buffer) -> int:
        self.pieces.append(bytes(data))
        return len(self.pieces[-1])


class _TarStream:
    """A tar archive that is read while it is written."""

    def __init__(self) -> None:
        self._output = _Pieces()
        self._seen: set[str] = set()
        self._tar = tarfile.open(fileobj=self._output, mode="w|", bufsize=_PIECE)  # noqa: SIM115

    def written(self) -> Iterator[bytes]:
        """Yield what was written since the last call."""
        pieces, self._output.pieces = self._output.pieces, []
        yield from pieces

    def close(self) -> None:
        """Write the end of the archive."""
        self._tar.close()

    def add(self, member: tarfile.TarInfo, content: IO[bytes] | None = None) -> None:
        """Append one member, unless its name exists: the engine rejects duplicates."""
        if member.name not in self._seen:
            self._seen.add(member.name)
            self._tar.addfile(member, content)

    def add_file(self, file: File) -> None:
        """Append a file of ours, owned by root."""
        info = tarfile.TarInfo(file.path)
        info.size, info.mode = len(file.content), file.mode
        self.add(info, io.BytesIO(file.content))

    def merge(self, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        """Append a package's member where a merged /usr has it."""
        path = member.name.removeprefix("./").strip("/")
        if path == "." or f"{path}/".startswith(_EXCLUDED):
            return
        self._link(path.partition("/")[0])
        if path in _MERGED and not member.isdir():
            return
        member.name = _merged(path)
        member.uname = member.gname = ""
        if member.islnk():
            member.linkname = _merged(member.linkname.removeprefix("./").strip("/"))
        self.add(member, content)

    def _link(self, folder: str) -> None:
        if folder not in _MERGED:
            return
        link = tarfile.TarInfo(folder)
        link.type, link.linkname, link.mode = tarfile.SYMTYPE, f"usr/{folder}", 0o777
        self.add(link)


def _merged(path: str) -> str:
    return f"usr/{path}" if path.partition("/")[0] in _MERGED else path


def _members(package: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    # If the caller stops early, the program ends too: its output is closed first.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=_PIECE
    ) as process:
        output = cast("IO[bytes]", process.stdout)
        try:
            with tarfile.open(fileobj=output, mode="r|", bufsize=_PIECE) as content:
                for member in content:
                    yield member, content.extractfile(member) if member.isreg() else None
        except tarfile.TarError as error:
            raise no_base(f"package {package.name} is broken: {error}") from error
        output.read()  # the padding behind the archive's end
    if process.returncode:
        raise no_base(f"package {package.name} is broken")
