"""The address of a Docker engine, and the certificates behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a Docker engine and the setting that it came from.

    ``url`` is what the Docker SDK takes: ``unix:///…``, ``tcp://…``, ``ssh://…`` or ``npipe://…``.
    """

    url: str
    origin: str
    tls: TlsFiles | None = None

    @property
    def socket(self) -> Path | None:
        """The socket's file when the endpoint is a Unix socket."""
        scheme, _, rest = self.url.partition("://")
        return Path(rest) if scheme == "unix" else None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The certificates with which an engine behind TLS is reached."""

    ca: Path | None
    certificate: Path | None
    key: Path | None
    verify: bool = True
