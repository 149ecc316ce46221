"""What an image holds, as its build recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from os2cli.core.json_text import parse_json
from os2cli.core.plain_text import plain_line

TOOLS_FILE = "tools.json"
PACKAGES_FILE = "packages.json"


@dataclass(frozen=True, slots=True)
class Package:
    """A program or a package and its version; ``source`` is ``debian``, ``npm`` or ``tool``."""

    source: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The distribution of an image, its tools and its packages."""

    os: str | None
    tools: tuple[Package, ...]
    packages: tuple[Package, ...]


def read_contents(files: Mapping[str, bytes]) -> Contents | None:
    """Read the files that the build of an image wrote; None if there is none of them.

    The image's author wrote them, so what is not as expected is left out.
    """
    if not {TOOLS_FILE, PACKAGES_FILE} & set(files):
        return None
    recorded = _mapping(_parsed(files.get(PACKAGES_FILE)))
    name = _mapping(recorded.get("os")).get("name")
    return Contents(
        os=plain_line(name) if isinstance(name, str) else None,
        tools=_packages("tool", _parsed(files.get(TOOLS_FILE))),
        packages=tuple(
            package
            for source in ("debian", "npm")
            for package in _packages(source, recorded.get(source))
        ),
    )


def _parsed(content: bytes | None) -> Any:
    try:
        return parse_json(content or b"null")
    except ValueError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _packages(source: str, items: Any) -> tuple[Package, ...]:
    pairs = [
        (_mapping(item).get("name"), _mapping(item).get("version"))
        for item in (items if isinstance(items, list) else ())
    ]
    return tuple(
        Package(source, plain_line(name), plain_line(version))
        for name, version in pairs
        if isinstance(name, str) and isinstance(version, str)
    )
