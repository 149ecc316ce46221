"""A Dockerfile that names the prepared base, where the argument for it means more than a base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from os2cli.host.locked_folders import temporary_folder
from os2cli.providers.local_docker.images.named_images import BASE_ARGUMENT
from os2cli.snapshots.context import BuildContext, ContextEntry, read_pieces
from os2cli.snapshots.dockerfile.bases import is_base_alone, with_base
from os2cli.snapshots.dockerfile.reading import read


@contextmanager
def with_base_in_place(
    context: BuildContext, image: str, arguments: Mapping[str, str]
) -> Iterator[ContextEntry | None]:
    """Yield the Dockerfile to build with, for as long as the block lasts.

    None if it can stay as it is, with ``image`` as the argument's value: then no step sees that.
    """
    (entry,) = (each for each in context.entries if each.path == context.dockerfile)
    content = b"".join(read_pieces(context.root, entry))
    text = content.decode(errors="surrogateescape")
    reading = read(text)
    if is_base_alone(reading, BASE_ARGUMENT):
        yield None
        return
    changed = with_base(text, reading, BASE_ARGUMENT, image, arguments)
    with temporary_folder("base") as folder:
        file = folder / "Dockerfile"
        file.write_bytes(changed.encode(errors="surrogateescape"))
        found = file.lstat()
        yield replace(
            entry,
            size=found.st_size,
            modified_ns=found.st_mtime_ns,
            source=file.name,
            folder=folder,
        )
