"""Where the Docker engine is, and which setting says so.

Formats read: the Docker CLI's ``config.json`` (``currentContext``) and its context store
(``contexts/meta/<sha256 of the name>/meta.json``, ``contexts/tls/<same>/docker/*.pem``).
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from os2cli.core.errors import UsageError
from os2cli.core.redaction import mask_userinfo
from os2cli.providers.local_docker.engine.address import Endpoint, TlsFiles

DEFAULT_TCP_PORT = 2375
DEFAULT_TCP = Endpoint(f"tcp://127.0.0.1:{DEFAULT_TCP_PORT}", "the default TCP API")

_CONNECT_SECONDS = 0.2
_NOTHING_ELSE = "it may hold a host, a port and a path, nothing else"
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%\w+)?", re.ASCII)


def resolve_endpoint(
    variables: Mapping[str, str],
    home: Path,
    *,
    docker_host: str | None = None,
) -> Endpoint:
    """Decide which engine is meant, in the order of the Docker CLI, then by looking around.

    ``docker_host`` is the command line's; then come ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the CLI's
    current context, the sockets of known engines (the first that accepts a connection, else the
    first that exists) and ``tcp://127.0.0.1:2375``. As for the CLI, the context ``default`` names
    no engine of its own.

    Raises:
        UsageError: an address is malformed (``endpoint_invalid``), a context does not exist
            (``context_unknown``), the CLI's files cannot be read (``docker_config_invalid``) or
            TLS files are missing (``tls_files_missing``).
    """
    config = Path(variables.get("DOCKER_CONFIG", "").strip() or home / ".docker")
    host, origin = docker_host, "--docker-host"
    if host is None:
        host, origin = variables.get("DOCKER_HOST", "").strip() or None, "DOCKER_HOST"
    if host is not None:
        return _parse(host.strip(), origin, _tls_from_variables(variables, config))
    if named := _named_context(variables, config):
        return _from_context(*named, config)
    return choose_socket(known_sockets(variables, home)) or DEFAULT_TCP


def known_sockets(variables: Mapping[str, str], home: Path) -> tuple[Endpoint, ...]:
    """Where engines put their sockets, whether or not they are there, in order of preference."""
    runtime = variables.get("XDG_RUNTIME_DIR", "").strip()
    places: list[tuple[Path | None, str]] = [
        (Path("/var/run/docker.sock"), "the default socket"),
        (Path(runtime, "docker.sock") if runtime else None, "the socket of rootless Docker"),
        (home / ".docker/run/docker.sock", "the socket of Docker Desktop"),
        (home / ".docker/desktop/docker.sock", "the socket of Docker Desktop"),
        (home / ".orbstack/run/docker.sock", "the socket of OrbStack"),
        (home / ".colima/default/docker.sock", "the socket of Colima"),
        (home / ".rd/docker.sock", "the socket of Rancher Desktop"),
        (Path(runtime, "podman/podman.sock") if runtime else None, "the socket of Podman"),
        (Path("/run/podman/podman.sock"), "the socket of Podman"),
        (
            home / ".local/share/containers/podman/machine/podman.sock",
            "the socket of Podman",
        ),
    ]
    return tuple(Endpoint(f"unix://{path}", origin) for path, origin in places if path)


def choose_socket(candidates: Iterable[Endpoint]) -> Endpoint | None:
    """The first socket that accepts a connection, else the first that exists, else None.

    An engine that died leaves its socket behind; it is only returned, so that its failure is
    reported, when no other engine answers.
    """
    existing = [
        candidate
        for candidate in candidates
        if candidate.socket and _holds(candidate.socket.is_socket)
    ]
    return next(filter(_accepts, existing), existing[0] if existing else None)


def _holds(test: Callable[[], bool]) -> bool:
    """The answer of ``Path.is_file`` and its like; False below a folder that is closed to us."""
    try:
        return test()
    except OSError:
        return False


def _accepts(endpoint: Endpoint) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(endpoint.socket))
        except OSError:
            return False
    return True


def _parse(url: str, origin: str, tls: TlsFiles | None = None) -> Endpoint:
    scheme, separator, rest = url.partition("://")
    match scheme.lower() if separator and url.isprintable() else "":
        case "unix" if rest.startswith("/"):
            return Endpoint(f"unix://{rest}", origin)
        case "unix":
            raise _malformed(url, origin, "the path must be absolute, e.g. unix:///run/docker.sock")
        case "npipe" if rest.startswith("//"):
            return Endpoint(f"npipe://{rest}", origin)
        case "ssh" if rest:
            _split(rest, url, origin)
            return Endpoint(f"ssh://{rest}", origin)
        case "tcp" | "http" | "https" as network:
            if network == "https" and tls is None:
                tls = TlsFiles(None, None, None)
            address = _network_address(rest, url, origin, default_port=2376 if tls else 2375)
            return Endpoint(f"tcp://{address}", origin, tls)
    raise _malformed(url, origin, "it must start with unix://, tcp:// or ssh://")


def _network_address(rest: str, url: str, origin: str, default_port: int) -> str:
    host, port, path, extra = _split(rest, url, origin)
    if extra:
        raise _malformed(url, origin, _NOTHING_ELSE)
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port or default_port}{path.rstrip('/')}"


def _split(rest: str, url: str, origin: str) -> tuple[str, int | None, str, bool]:
    """Host, port, path, and whether there is more (a user, a query, a fragment)."""
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError as error:
        raise _malformed(url, origin, str(error)) from error
    host = parts.hostname or "127.0.0.1"  # as in tcp://:2375
    if port == 0 or not _HOST_NAME.fullmatch(host):
        raise _malformed(url, origin, "the port is 0" if port == 0 else f"{host!r} is no host name")
    return host, port, parts.path, bool(parts.username or parts.query or parts.fragment)


def _malformed(url: str, origin: str, problem: str) -> UsageError:
    if "@" in url:
        # Whatever else it is: a part of a password may stand in the problem.
        problem = _NOTHING_ELSE
    return UsageError(
        f"{mask_userinfo(url)!r} from {origin} is not an engine's address: {problem}",
        hint="use an address such as unix:///var/run/docker.sock or tcp://127.0.0.1:2375",
        code="endpoint_invalid",
    )


def _tls_from_variables(variables: Mapping[str, str], config: Path) -> TlsFiles | None:
    """What ``DOCKER_TLS_VERIFY`` (any text means yes) and ``DOCKER_CERT_PATH`` ask for."""
    verify = bool(variables.get("DOCKER_TLS_VERIFY", ""))
    folder = variables.get("DOCKER_CERT_PATH", "")
    if folder and not _holds(Path(folder).is_dir):
        raise _tls_missing(f"DOCKER_CERT_PATH names {folder}, which is not a folder")
    return _tls_files(Path(folder or config), verify=verify) if verify or folder else None


def _tls_files(folder: Path, *, verify: bool) -> TlsFiles:
    paths = (folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    ca, certificate, key = (path if _holds(path.is_file) else None for path in paths)
    if (certificate is None) != (key is None):
        raise _tls_missing(f"{folder} has only one of cert.pem and key.pem")
    return TlsFiles(ca, certificate, key, verify)


def _tls_missing(problem: str) -> UsageError:
    return UsageError(
        f"the engine's TLS files are missing: {problem}",
        hint="put ca.pem, cert.pem and key.pem there, or unset DOCKER_TLS_VERIFY",
        code="tls_files_missing",
    )


def _named_context(variables: Mapping[str, str], config: Path) -> tuple[str, str] | None:
    """The context's name and what names it; None when that is ``default`` or nothing."""
    file = config / "config.json"
    name, source = variables.get("DOCKER_CONTEXT", "").strip(), "DOCKER_CONTEXT"
    if not name:
        name, source = str(_read_object(file).get("currentContext") or ""), str(file)
    return (name, source) if name and name != "default" else None


def _from_context(name: str, source: str, config: Path) -> Endpoint:
    store = config / "contexts"
    identity = hashlib.sha256(name.encode()).hexdigest()
    file = store / "meta" / identity / "meta.json"
    if not (meta := _read_object(file)):
        known = ", ".join(["default", *_context_names(store)])
        raise UsageError(
            f"the Docker context {name!r} named by {source} does not exist",
            hint=f"choose one of: {known}",
            code="context_unknown",
        )
    docker = _mapping(_mapping(meta.get("Endpoints")).get("docker"))
    if not docker.get("Host"):
        raise UsageError(
            f"{file} names no Docker engine",
            hint="make the context anew: docker context create NAME --docker host=…",
            code="docker_config_invalid",
        )
    skip_verify = docker.get("SkipTLSVerify") is True
    folder = store / "tls" / identity / "docker"
    tls = (
        _tls_files(folder, verify=not skip_verify) if skip_verify or _holds(folder.is_dir) else None
    )
    return _parse(str(docker["Host"]), f"Docker context {name!r}", tls)


def _context_names(store: Path) -> list[str]:
    files = sorted(store.glob("meta/*/meta.json"))
    return sorted(str(_read_object(file).get("Name", file.parent.name)) for file in files)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_object(file: Path) -> dict[str, Any]:
    """The JSON object in ``file``; empty when there is no such file."""
    try:
        value = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file} can't be read: {error}",
            hint="mend the file, or name the engine with --docker-host",
            code="docker_config_invalid",
        ) from error
    if not isinstance(value, dict):
        raise UsageError(
            f"{file} holds no JSON object",
            hint="mend the file, or name the engine with --docker-host",
            code="docker_config_invalid",
        )
    return value
