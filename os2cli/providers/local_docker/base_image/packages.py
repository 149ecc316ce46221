"""A base image built from the distribution's packages, for hosts without a registry.

It needs APT, dpkg-deb and an engine: the first stage is a stream of unpacked packages, the second
runs in a container created from it, so no step needs root.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import requests

from os2cli.core.errors import TimedOut
from os2cli.core.progress import Progress
from os2cli.host.locked_folders import temporary_folder
from os2cli.providers.local_docker.base_image import images
from os2cli.providers.local_docker.base_image.apt_packages import PrivateApt
from os2cli.providers.local_docker.base_image.failures import ENGINE_HINT, engine_errors, refused
from os2cli.providers.local_docker.base_image.recipe import SECOND_STAGE, Recipe, added_files
from os2cli.providers.local_docker.base_image.rootfs import first_stage
from os2cli.providers.local_docker.engine.failures import tidying
from os2cli.providers.local_docker.engine.temporary import Temporary, remove_left
from os2cli.providers.log_lines import split_lines

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CONFIGURING = "configuring the base image's packages"
_CONFIGURE_DEADLINE_S = 600
_CONNECT_S = 10
_SILENCE_S = 120
_PIECE = 1 << 20
_TAIL = 20


def build_base(
    client: docker.APIClient, recipe: Recipe, *, cache_dir: Path, lock_dir: Path, progress: Progress
) -> str:
    """Build the image of ``recipe`` and return its id; nothing else stays on the engine.

    What a killed build left goes first.

    Raises:
        OperationFailed: ``base_unavailable`` if packages are missing, ``disk_full``,
            ``base_failed`` if the engine or a package's configuration fails.
        TimedOut: a step exceeded its deadline.
        Unreachable: the connection to the engine broke.
    """
    remove_left(client, lock_dir)
    temporary = Temporary(f"{images.REPOSITORY}:temporary-{secrets.token_hex(6)}", lock_dir)
    with temporary.held(), temporary_folder("base") as folder:
        with progress.phase(f"fetch packages of {recipe.title}"):
            apt = PrivateApt(folder, recipe.architecture, progress)
            sources = apt.update(recipe.sources, recipe.distribution.origin)
            packages = apt.download(cache_dir)
        with progress.phase("make the base image"):
            progress.status("unpacking packages")
            archive = first_stage(packages, list(added_files(recipe, sources)))
            with (
                _temporary_image(client, archive, temporary) as image,
                _container(client, image, temporary) as container,
            ):
                _configure(client, container, 2 * len(packages), progress)
                progress.status("storing the image")
                return _store(client, container, recipe)


@contextmanager
def _temporary_image(
    client: docker.APIClient, archive: Iterator[bytes], temporary: Temporary
) -> Iterator[str]:
    """Import an image and remove it at the end, by name, even if the import is interrupted."""
    marks = " ".join(f"{label}={value}" for label, value in temporary.labels.items())
    try:
        changes = [f"LABEL {marks}", f"ENV {_PATH}"]
        yield images.import_image(client, archive, temporary.name, changes)
    finally:
        images.remove_image(client, temporary.name)


@contextmanager
def _container(client: docker.APIClient, image: str, temporary: Temporary) -> Iterator[str]:
    name = f"{images.REPOSITORY}-{secrets.token_hex(6)}"
    try:
        with engine_errors(_CONFIGURING):
            # Everything is downloaded: no network, so that nothing else gets in.
            client.create_container(
                image,
                command=["/bin/sh", f"/{SECOND_STAGE}"],
                name=name,
                labels=temporary.labels,
                host_config=client.create_host_config(network_mode="none"),
            )
        yield name
    finally:
        with tidying():
            client.remove_container(name, force=True, v=True)


def _configure(client: docker.APIClient, container: str, steps: int, progress: Progress) -> None:
    """Run the second stage; dpkg writes a line for each package it unpacks or sets up."""
    deadline = time.monotonic() + _CONFIGURE_DEADLINE_S
    tail: deque[str] = deque(maxlen=_TAIL)
    done = 0
    with engine_errors(_CONFIGURING):
        client.start(container)
        with _streamed(client, f"{container}/logs?follow=1&stdout=1&stderr=1") as answer:
            for line in map(str.rstrip, split_lines(_frames(answer))):
                progress.log(line)
                tail.append(line)
                if line.startswith(("Unpacking ", "Setting up ")):
                    done = min(done + 1, steps)
                    progress.status("configuring packages", done, steps)
                if time.monotonic() > deadline:
                    raise TimedOut(
                        f"timed out after {_CONFIGURE_DEADLINE_S} s {_CONFIGURING}"
                        f" (last line: {line})",
                        hint=ENGINE_HINT,
                    )
        status = int(client.wait(container, timeout=30)["StatusCode"])
    if status:
        raise refused(_CONFIGURING, tail[-1] if tail else f"status {status}", tuple(tail))


@contextmanager
def _streamed(client: docker.APIClient, path: str) -> Iterator[requests.Response]:
    """Stream a response about containers, each chunk under a deadline.

    The SDK's own calls drop the deadline and leave the connection to the garbage collector.
    """
    url = f"{client.base_url}/v{client.api_version}/containers/{path}"
    with client.get(url, stream=True, timeout=(_CONNECT_S, _SILENCE_S)) as answer:
        answer.raise_for_status()
        yield answer


def _frames(answer: requests.Response) -> Iterator[bytes]:
    """Yield the payloads of the engine's multiplexed stream: an 8-byte header, 4 of them the size.

    Source: the Engine API's "Stream format", under "Attach to a container".
    """
    while len(header := answer.raw.read(8)) == 8:
        left = int.from_bytes(header[4:], "big")
        while data := answer.raw.read(min(left, _PIECE)):
            left -= len(data)
            yield data


def _store(client: docker.APIClient, container: str, recipe: Recipe) -> str:
    """Import the container's files as the image's single layer and return its id."""
    of = f"{recipe.distribution.codename}-{recipe.architecture}-{recipe.certificates.digest}"
    marks = f"LABEL {images.KEY_LABEL}={recipe.key} {images.OF_LABEL}={of}"
    changes = [marks, f"ENV {_PATH}", 'CMD ["bash"]']
    with (
        engine_errors("exporting the base image"),
        _streamed(client, f"{container}/export") as answer,
    ):
        archive = answer.iter_content(_PIECE)
        latest = images.import_image(client, archive, recipe.reference, changes)
    images.remove_superseded(client, of, latest)
    return latest
