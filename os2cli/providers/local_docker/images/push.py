"""Pushing an image to a registry with a login that is used once and stored nowhere."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound

from os2cli.core.errors import Conflict, OperationFailed
from os2cli.core.models import Image
from os2cli.core.progress import Progress
from os2cli.host.locks import exclusive
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import tidying

_TRANSIENT = re.compile(r"/os2-[0-9a-f]{32}:\d{8}-\d{6}-key-[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """A login to a registry."""

    username: str = field(repr=False)
    password: str = field(repr=False)


def transient_reference(place: str, key: str) -> str:
    """Return a name below ``place`` (``host/path``) that cannot be guessed: others push there."""
    moment = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return f"{place}/os2-{secrets.token_hex(16)}:{moment}-key-{key}"


def is_left_over(reference: str, lock_dir: Path) -> bool:
    """Return whether a name is one that a push had, and no push has now."""
    if not _TRANSIENT.search(reference):
        return False
    try:
        with _pushing(lock_dir, reference):
            return True
    except Conflict:
        return False


@contextmanager
def _pushing(lock_dir: Path, reference: str) -> Iterator[None]:
    def raise_conflict() -> None:
        raise Conflict(f"{reference} is being pushed", hint="wait for the other os2 to end")

    with exclusive(lock_dir, f"push {reference}", on_busy=raise_conflict):
        yield


def push_image(
    engine: Engine,
    image: Image,
    reference: str,
    login: RegistryLogin,
    progress: Progress,
    lock_dir: Path,
) -> None:
    """Push ``image`` as ``reference`` (``host/path:tag``), a name it has during the push only.

    A lock in ``lock_dir`` shows meanwhile that the name is in use.

    Raises:
        OperationFailed: the registry rejected it.
    """
    with (
        _pushing(lock_dir, reference),
        engine.errors(f"pushing {reference}"),
        _named(engine, image, reference, progress),
    ):
        events = engine.client.push(
            reference,
            auth_config={"username": login.username, "password": login.password},
            stream=True,
            decode=True,
        )
        _follow(events, reference, progress)


@contextmanager
def _named(engine: Engine, image: Image, reference: str, progress: Progress) -> Iterator[None]:
    repository, _, tag = reference.rpartition(":")
    engine.client.tag(image.id, repository, tag)
    try:
        yield
    finally:
        if not _is_removed(engine, reference):
            progress.warn(f"the engine keeps the name {reference}; remove it: os2 snapshot prune")


def _is_removed(engine: Engine, reference: str) -> bool:
    with tidying():
        try:
            # What was removed; an engine answers nothing else.
            return isinstance(engine.client.remove_image(reference, noprune=True), list)
        except ImageNotFound:
            return True
    return False


def _follow(events: Iterable[Mapping[str, Any]], reference: str, progress: Progress) -> None:
    layers: dict[str, tuple[int, int]] = {}
    message = None
    # Read to the end even after an error, so that the connection is free for the next request.
    for event in events:
        message = message or event.get("error")
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Pushing" and detail.get("total"):
            layers[str(event.get("id"))] = (detail.get("current", 0), detail["total"])
            done, total = (sum(counts) for counts in zip(*layers.values(), strict=True))
            progress.transfer("pushing", min(done, total), total)
    if message:
        raise OperationFailed(
            f"pushing {reference} failed: {message}",
            hint="the login is valid for an hour and this image only: run the command again",
            code="push_failed",
        )
