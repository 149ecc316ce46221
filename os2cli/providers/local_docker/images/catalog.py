"""The images on an engine that os2 built, and their build logs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound

from os2cli.core.errors import Conflict, NotFound, OperationFailed, UsageError
from os2cli.core.models import LOCAL_DOCKER, SnapshotState
from os2cli.core.snapshot_name import SnapshotName
from os2cli.host.locked_folders import remove_left_temporary
from os2cli.providers import labels
from os2cli.providers.local_docker.engine import temporary
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.images import find_image, full_name
from os2cli.providers.local_docker.images.push import is_left_over
from os2cli.providers.local_docker.images.recorded_files import recorded_files
from os2cli.providers.local_docker.images.unused_bases import unused_bases
from os2cli.snapshots.building import SnapshotStore
from os2cli.snapshots.catalog import CatalogItem
from os2cli.snapshots.contents import Contents, read_contents

ID_DIGITS = 12
_NO_NAME = "<none>:<none>"


class LocalImages:
    """Images with our labels under the name that os2 gave them, untagged ones, and unused bases."""

    type = LOCAL_DOCKER
    store: SnapshotStore | None = None

    def __init__(self, engine: Engine, logs: BuildLogs, lock_dir: Path) -> None:
        self.engine = engine
        self.logs = logs
        self.lock_dir = lock_dir

    def could_contain(self, name: str) -> bool:
        """Return whether the name can be an image's: it is not the name of a snapshot."""
        try:
            SnapshotName.parse(name)
        except UsageError:
            return True
        return False

    def list(self, stage: str | None = None) -> list[CatalogItem]:
        """Return an item for each name of our images; none with ``stage``: images have no stage."""
        if stage is not None:
            return []
        with self.engine.errors("listing the images"):
            images = self.engine.client.images(filters={"label": [labels.IMAGE_KEY]})
            bases = list(unused_bases(self.engine.client, images))
        items = [item for image in images for item in self._items(image)]
        items += [_base(image, name) for name, image in bases]
        return sorted(items, key=lambda item: (item.created, item.name), reverse=True)

    def _items(self, image: Mapping[str, Any]) -> Iterator[CatalogItem]:
        marks: dict[str, str] = image.get("Labels") or {}
        names = [full_name(tag) for tag in image.get("RepoTags") or () if tag != _NO_NAME]
        if not names:
            yield _item(image, marks, None)
        for name in names:
            # An image that is built on one of ours inherits its labels, but has another name.
            if name == marks.get(labels.IMAGE_NAME):
                yield _item(image, marks, name)
            elif is_left_over(name, self.lock_dir):
                yield replace(_item(image, marks, name), left_over=True)

    def get(self, name: str) -> CatalogItem:
        """Return one image by its name or, if untagged, by the beginning of its id."""
        items = self.list()
        tagged = full_name(name)
        for item in items:
            if item.name == tagged or (item.untagged and _begins(item.id, name)):
                return item
        with self.engine.errors(f"looking for image {name}"):
            foreign = find_image(self.engine.client, name)
        if foreign is not None:
            raise Conflict(
                f"image {name} was not built by os2",
                hint=f"see what it is: docker image inspect {shlex.quote(name)}",
                code="not_ours",
            )
        raise NotFound(
            f"image {name} not found on the engine",
            hint="list the images that os2 built: os2 snapshot list",
            code="snapshot_not_found",
        )

    def users(self, items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
        """Return the containers created from each image; machines by their own names."""
        with self.engine.errors("listing the containers"):
            containers = self.engine.client.containers(all=True)
        users: dict[str, list[str]] = {item.id: [] for item in items}
        for container in containers:
            if temporary.LABEL in (container.get("Labels") or {}):
                continue
            users.get(str(container.get("ImageID")), []).append(_user(container))
        return {id_: tuple(sorted(names)) for id_, names in users.items() if names}

    def remove(
        self, item: CatalogItem, *, force: bool = False, within: float | None = None
    ) -> bool:
        """Remove a name of an image; its last name removes the image."""
        del within  # the engine answers when it is done
        reference = item.id if item.untagged else item.name
        with self.engine.errors(f"removing image {item.name}"):
            try:
                self.engine.client.remove_image(reference, force=force)
            except ImageNotFound:
                is_found = False
            else:
                is_found = True
            left = find_image(self.engine.client, reference)
        if left is not None and left.id == item.id:
            raise OperationFailed(
                f"image {item.name} still exists after its removal",
                hint=f"see what keeps it: docker image inspect {shlex.quote(item.name)}",
            )
        return is_found

    def remove_left(self) -> None:
        """Remove what killed builds and looks into images left on the engine and on this host."""
        temporary.remove_left(self.engine.client, self.lock_dir)
        remove_left_temporary()

    def contents(self, item: CatalogItem) -> Contents | None:
        """Return what the image's build recorded."""
        return read_contents(recorded_files(self.engine, item.id, self.lock_dir))

    def log(self, name: str) -> Iterator[str]:
        """Yield the log of the last build of that name, including a failed one."""
        path = self.logs.latest(full_name(name))
        if path is None:
            raise NotFound(
                f"no build log of {name} on this host",
                hint="build the image to get one: os2 snapshot local-docker -v",
                code="log_not_found",
            )
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from (line.rstrip("\n") for line in file)
        except OSError as error:
            raise OperationFailed(
                f"cannot read {path}: {error.strerror}", hint="change its permissions"
            ) from error


def _item(image: Mapping[str, Any], marks: Mapping[str, str], name: str | None) -> CatalogItem:
    return CatalogItem(
        id=str(image["Id"]),
        name=name or str(image["Id"]).removeprefix("sha256:")[:ID_DIGITS],
        type=LOCAL_DOCKER,
        state=SnapshotState.ACTIVE,
        created=datetime.fromtimestamp(int(image.get("Created") or 0), UTC),
        size_bytes=int(image.get("Size") or 0),
        key=marks.get(labels.IMAGE_KEY),
        untagged=name is None,
        repository=marks.get(labels.IMAGE_REPOSITORY) or None,
        base=marks.get(labels.IMAGE_BASE),
    )


def _base(image: Mapping[str, Any], name: str) -> CatalogItem:
    # What its label says is its own key.
    return replace(_item(image, {}, name), left_over=True, is_base=True)


def _begins(id_: str, name: str) -> bool:
    """Return whether ``name`` is the beginning of the id, with enough digits."""
    digits = name.removeprefix("sha256:")
    return len(digits) >= ID_DIGITS and id_.removeprefix("sha256:").startswith(digits)


def _user(container: Mapping[str, Any]) -> str:
    marks = container.get("Labels") or {}
    names = container.get("Names") or [str(container["Id"])[:ID_DIGITS]]
    return str(marks.get(labels.NAME) or str(names[0]).lstrip("/"))
