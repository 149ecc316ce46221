"""What the platform's builder makes of the uploaded contexts."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tests.daytona_server.builds import BuildFailed

if TYPE_CHECKING:
    from tests.daytona_server.records import SnapshotRecord
    from tests.daytona_server.state import World

IN_MEMORY = 16 * 1024 * 1024


@contextmanager
def build_context(world: World, record: SnapshotRecord) -> Iterator[IO[bytes]]:
    """One tar with the Dockerfile's text and the files of every uploaded context over it.

    Raises:
        BuildFailed: a context was never uploaded.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as target:
            _add_text(target, "Dockerfile", (record.dockerfile or "").encode())
            # A file named Dockerfile comes later and wins, as in the real one.
            for hash_ in record.context_hashes:
                _add_context(world, hash_, target)
        file.seek(0)
        yield file


def _add_context(world: World, hash_: str, target: tarfile.TarFile) -> None:
    storage = world.storage
    body = storage.open(f"{world.organization_id}/{hash_}/context.tar") if storage else None
    if body is None:
        raise BuildFailed(f"context not found: {hash_}")
    try:
        with tarfile.open(fileobj=body, mode="r|") as source:
            for member in source:
                _add_member(source, member, target)
    except tarfile.TarError as error:
        raise BuildFailed(f"context {hash_} is no tar: {error}") from error


def _add_member(source: tarfile.TarFile, member: tarfile.TarInfo, target: tarfile.TarFile) -> None:
    """Keep name, mode and size: a link of either kind has none and becomes an empty file."""
    name = member.name.lstrip("/").removeprefix("./")
    if member.isdir() or not name:
        return
    kept = tarfile.TarInfo(name)
    kept.mode = member.mode
    kept.size = member.size if member.isreg() else 0
    target.addfile(kept, source.extractfile(member) if kept.size else None)


def _add_text(target: tarfile.TarFile, name: str, text: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    info.size = len(text)
    target.addfile(info, io.BytesIO(text))
