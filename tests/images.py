"""What is in an image, to compare two: its files, its configuration and its history."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from typing import Any

import docker

# What the engine puts into each container.
_OF_THE_ENGINE = ("dev", "proc", "sys", ".dockerenv", "run/.containerenv")
_OF_THE_NETWORK = ("etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab")


def layers(engine: docker.APIClient, image: str) -> list[str]:
    """Return the digests of the layers: equal ones have equal files."""
    return list(engine.inspect_image(image)["RootFS"].get("Layers") or ())


def files(engine: docker.APIClient, image: str) -> dict[str, tuple[Any, ...]]:
    """Return, by path, the type, mode, owner, target and digest of every file."""
    container = engine.create_container(image, "none")["Id"]
    try:
        with tempfile.TemporaryFile() as content:
            for chunk in engine.export(container):
                content.write(chunk)
            content.seek(0)
            with tarfile.open(fileobj=content) as archive:
                return {
                    member.name: _described(archive, member)
                    for member in archive
                    if member.name.split("/")[0] not in _OF_THE_ENGINE
                    and member.name not in (*_OF_THE_ENGINE, *_OF_THE_NETWORK)
                }
    finally:
        engine.remove_container(container)


def _described(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[Any, ...]:
    file = archive.extractfile(member) if member.isreg() else None
    digest = hashlib.sha256(file.read()).hexdigest() if file else ""
    return member.type, member.mode, member.uid, member.gid, member.linkname, digest


def configuration(engine: docker.APIClient, image: str, foreign: str) -> dict[str, Any]:
    """Return what a container of an image starts with, without labels that begin with ``foreign``.

    Podman's inspection and an older engine's name the same values differently: only values count.
    """
    found = engine.inspect_image(image)
    config = {name: value for name, value in (found["Config"] or {}).items() if value}
    # The classic builder notes its own containers there.
    for name in ("Hostname", "Image", "Domainname"):
        config.pop(name, None)
    labels = config.pop("Labels", None) or {}
    config["Labels"] = {k: v for k, v in labels.items() if not k.startswith(foreign)}
    return {
        **config,
        "of": [found["Os"], found["Architecture"], found.get("Variant"), found.get("Author")],
    }


def history(engine: docker.APIClient, image: str, foreign: str) -> list[str]:
    """Return the steps; one that sets labels beginning with ``foreign`` is left out."""
    steps = [str(step["CreatedBy"]) for step in engine.history(image)]
    sets = (f"LABEL {foreign}", f'LABEL "{foreign}')
    return [step for step in steps if not any(each in step for each in sets)]
