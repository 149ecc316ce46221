"""The address of a Docker engine, and the certificates for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from os2cli.core.errors import UsageError
from os2cli.core.redaction import mask_address

_FORMS = "it must start with unix:// or tcp://, or be HOST:PORT"
_NOTHING_ELSE = "only a host, a port and a path are allowed"
DEFAULT_SOCKET = "/var/run/docker.sock"
_SCHEMES = ("unix", "tcp", "http", "https", "ssh", "npipe", "fd")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*", re.ASCII)
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%\w+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a Docker engine and the setting that it came from.

    ``url`` is for the Docker SDK: ``unix:///…``, ``tcp://…`` or ``ssh://…``. At a ``guessed``
    one, which no setting names, any user may listen: ``check_listener``.
    """

    url: str
    origin: str
    tls: TlsFiles | None = None
    guessed: bool = False

    @property
    def socket(self) -> Path | None:
        """The socket's file when the endpoint is a Unix socket."""
        scheme, _, rest = self.url.partition("://")
        return Path(rest) if scheme == "unix" else None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The certificates for an engine behind TLS."""

    ca: Path | None
    certificate: Path | None
    key: Path | None
    verify: bool = True


def holds(test: Callable[[], bool]) -> bool:
    """Return what ``Path.is_file`` or the like answers; False in a folder that denies access."""
    try:
        return test()
    except OSError:
        return False


def parse_address(url: str, origin: str, tls: TlsFiles | None = None) -> Endpoint:
    """Return the endpoint of an address as ``DOCKER_HOST`` takes it: also ``HOST:PORT``.

    Raises:
        UsageError: the address is malformed (``endpoint_invalid``).
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "tcp", _without_a_scheme(url, origin)
    match scheme.lower() if url.isprintable() else "":
        case "unix" if rest.startswith("/") or not rest:
            return Endpoint(f"unix://{rest or DEFAULT_SOCKET}", origin)
        case "unix":
            raise _malformed(
                url, origin, "the path must be absolute, such as unix:///run/docker.sock"
            )
        case "npipe":
            raise _malformed(url, origin, "named pipes exist on Windows only")
        case "fd":
            raise _malformed(url, origin, "fd:// is for the engine itself, which systemd starts")
        case "ssh" if rest:
            # os2 never connects there, and what is not stored is not printed: no user, no query.
            host, port, _, _ = _split(rest, url, origin)
            return Endpoint(f"ssh://{_bracketed(host)}{f':{port}' if port else ''}", origin)
        case "ssh":
            raise _malformed(url, origin, "engines over SSH are not supported")
        case "tcp" | "http" | "https" as network:
            if network == "https" and tls is None:
                tls = TlsFiles(None, None, None)
            address = _network_address(rest, url, origin, default_port=2376 if tls else 2375)
            return Endpoint(f"tcp://{address}", origin, tls)
    raise _malformed(url, origin, _FORMS)


def _without_a_scheme(text: str, origin: str) -> str:
    """Return the host and port of an address that is nothing else, as Docker's CLI takes it."""
    if text.startswith("/"):
        raise _malformed(text, origin, f"write it as unix://{text}")
    if not text or (text.partition(":")[0].lower() in _SCHEMES and "/" in text):
        raise _malformed(text, origin, _FORMS)
    # Docker's CLI takes an address of IPv6 without a port also without brackets.
    return f"[{text}]" if _BARE_IPV6.fullmatch(text) else text


def _network_address(rest: str, url: str, origin: str, default_port: int) -> str:
    host, port, path, extra = _split(rest, url, origin)
    if extra:
        raise _malformed(url, origin, _NOTHING_ELSE)
    return f"{_bracketed(host)}:{port or default_port}{path.rstrip('/')}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split(rest: str, url: str, origin: str) -> tuple[str, int | None, str, bool]:
    """Return host, port, path, and whether there is more (a user, a query, a fragment)."""
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError as error:
        # Python's words are about its own conversion.
        problem = "invalid port" if "port" in str(error).lower() else str(error)
        raise _malformed(url, origin, problem) from error
    host = parts.hostname or "127.0.0.1"  # as in tcp://:2375
    if port == 0 or not _HOST_NAME.fullmatch(host):
        raise _malformed(
            url, origin, "the port is 0" if port == 0 else f"invalid host name {host!r}"
        )
    return host, port, parts.path, bool(parts.username or parts.query or parts.fragment)


def _malformed(url: str, origin: str, problem: str) -> UsageError:
    if mask_address(url) != url:
        # The problem may quote a part of a password.
        problem = _NOTHING_ELSE
    return UsageError(
        f"{origin}: invalid engine address {mask_address(url)!r}: {problem}",
        hint="use an address such as unix:///var/run/docker.sock or tcp://127.0.0.1:2375",
        code="endpoint_invalid",
    )
