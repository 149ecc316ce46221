"""The distribution that this host runs, and its package archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}

# The engine uses Go's names, the archive Debian's.
_DEBIAN_ARCHITECTURES = {
    "amd64": "amd64",
    "x86_64": "amd64",
    "arm64": "arm64",
    "aarch64": "arm64",
    "arm": "armhf",
    "386": "i386",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
}


@dataclass(frozen=True, slots=True)
class Distribution:
    """``id`` and ``codename`` as in os-release(5): ``debian`` and ``bookworm``."""

    id: str
    codename: str

    @property
    def components(self) -> tuple[str, ...]:
        """The free components; Ubuntu has s6 and gh outside `main`."""
        return _COMPONENTS[self.id]

    @property
    def origin(self) -> str:
        """The ``Origin`` field of the archive's Release files."""
        return self.id.capitalize()

    @property
    def keyring(self) -> str:
        """The archive's keys, installed by a package that ``apt`` depends on."""
        return f"/usr/share/keyrings/{self.id}-archive-keyring.gpg"

    def owns_suite(self, suite: str) -> bool:
        """Return whether ``suite`` is the release itself, its updates or its security fixes."""
        return suite in {
            self.codename,
            f"{self.codename}-updates",
            f"{self.codename}-security",
            f"{self.codename}/updates",
        }


def host_distribution(root: Path) -> Distribution | None:
    """Read ``etc/os-release`` below ``root``; None for anything but Debian and Ubuntu.

    Derivatives (Mint, Raspbian…) are excluded: their archives mix two origins.
    """
    fields: dict[str, str] = {}
    for name in ("etc/os-release", "usr/lib/os-release"):
        try:
            text = (root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        fields = {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}
        break
    codename = fields.get("VERSION_CODENAME", "")
    if fields.get("ID") not in _COMPONENTS or not codename:
        return None
    return Distribution(fields["ID"], codename)


def debian_architecture(engine_architecture: str) -> str | None:
    """Return Debian's name for an engine architecture (``GOARCH`` or ``uname -m``), or None."""
    return _DEBIAN_ARCHITECTURES.get(engine_architecture)
