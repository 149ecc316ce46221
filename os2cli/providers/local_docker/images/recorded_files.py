"""The files in which an image's build recorded its contents, read without running the image."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from docker.errors import NotFound

from os2cli.core.deadline import within
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import tidying
from os2cli.providers.local_docker.engine.temporary import Temporary
from os2cli.snapshots.contents import PACKAGES_FILE, TOOLS_FILE

READ_SECONDS = 20.0
_FOLDER = "/opt/os2/state"
# A record of thousands of packages; the list of a repository's files lies beside it.
_MAX_BYTES = 64_000_000
_MAX_FILE_BYTES = 8_000_000


def recorded_files(engine: Engine, image: str, lock_dir: Path) -> Mapping[str, bytes]:
    """Return the recorded files of an image by their names, none if it has none.

    The engine shows an image's files only through a container: one that is never started, and has
    the image's id in its name, so that the next call removes what a killed one left.
    """
    name = f"os2-contents-{image.removeprefix('sha256:')[:12]}"
    temporary = Temporary(name, lock_dir)
    doing = f"reading the contents of image {image}"
    with temporary.held(), engine.errors(doing), within(READ_SECONDS):
        client = engine.client
        with suppress(NotFound):
            client.remove_container(name, force=True)
        try:
            client.create_container(
                image, ["none"], name=name, labels=temporary.labels, network_disabled=True
            )
            chunks, _ = client.get_archive(name, _FOLDER)
            return _files(_whole(chunks))
        except NotFound:
            return {}
        finally:
            # Also if its creation had no answer: the engine may have made it.
            with tidying():
                client.remove_container(name, force=True)


def _whole(chunks: Iterable[bytes]) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > _MAX_BYTES:
            break
    return bytes(content)


def _files(archive: bytes) -> dict[str, bytes]:
    # The image's author wrote it: what cannot be read counts as not recorded.
    with suppress(tarfile.TarError, OSError, ValueError), _opened(archive) as tar:
        return {
            name: content
            for member in tar
            if (name := member.name.rpartition("/")[2]) in (TOOLS_FILE, PACKAGES_FILE)
            and (content := _content(tar, member)) is not None
        }
    return {}


def _opened(archive: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(archive), mode="r:")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    # A link could name anything, a sparse file be of any size.
    if not member.isreg() or member.issparse() or member.size > _MAX_FILE_BYTES:
        return None
    file = tar.extractfile(member)
    return file.read() if file is not None else None
