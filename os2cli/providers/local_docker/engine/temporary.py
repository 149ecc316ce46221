"""Containers, networks and images that os2 has on an engine for a moment only.

Each has a lock while it is in use, and a label that says where the lock is: what a killed process
left is removed by the next that does the same, or by ``snapshot prune``. Others' stay.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from os2cli.host.locks import exclusive, is_held
from os2cli.providers.local_docker.engine.failures import tidying

LABEL = "dev.os2.temporary"
_NAME_LABEL = "dev.os2.temporary.name"


def lock_place(folder: Path) -> str:
    """Return what stands for a directory of locks on this host: two with it share the locks."""
    place = f"{socket.gethostname()} {folder.absolute()}"
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Temporary:
    """What has one name on an engine for a moment, with a lock in ``lock_dir``."""

    name: str
    lock_dir: Path

    @property
    def labels(self) -> dict[str, str]:
        """The labels of what is made."""
        return {LABEL: lock_place(self.lock_dir), _NAME_LABEL: self.name}

    def held(self) -> AbstractContextManager[None]:
        """Hold the lock inside the block; another process that does the same is waited for."""
        return exclusive(self.lock_dir, self.name)


def remove_left(client: docker.APIClient, lock_dir: Path) -> None:
    """Remove what processes of this user on this host left; problems are ignored."""
    filters = {"label": f"{LABEL}={lock_place(lock_dir)}"}
    with tidying():
        for container in client.containers(all=True, filters=filters):
            if _is_left(container, lock_dir):
                with tidying():
                    client.remove_container(container["Id"], force=True, v=True)
        for network in client.networks(filters=filters):
            if _is_left(network, lock_dir):
                with tidying():
                    client.remove_network(network["Id"])
        for image in client.images(all=False, filters=filters):
            if _is_left(image, lock_dir):
                _remove_image(client, image)


def _is_left(found: Mapping[str, Any], lock_dir: Path) -> bool:
    marks = found.get("Labels") or {}
    name = marks.get(_NAME_LABEL)
    if name is None or marks.get(LABEL) != lock_place(lock_dir):
        return False
    return not is_held(lock_dir, name)


def _remove_image(client: docker.APIClient, image: Mapping[str, Any]) -> None:
    for name in _names(image):
        with tidying():
            client.remove_image(name, force=True)


def _names(image: Mapping[str, Any]) -> Iterator[str]:
    names = [name for name in image.get("RepoTags") or () if name != "<none>:<none>"]
    yield from names or [str(image["Id"])]
