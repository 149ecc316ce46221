"""The engine to use, and the setting that chose it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from os2cli.providers.entry import ProviderContext
from os2cli.providers.local_docker.engine.address import (
    DEFAULT_SOCKET,
    Endpoint,
    TlsFiles,
    holds,
    parse_address,
)
from os2cli.providers.local_docker.engine.contexts import (
    context_endpoint,
    named_context,
    tls_files,
    tls_missing,
)

DEFAULT_TCP_PORT = 2375
DEFAULT_TCP = Endpoint(f"tcp://127.0.0.1:{DEFAULT_TCP_PORT}", "the default TCP API", guessed=True)

# Root's, in which a login makes the user's. Not below /tmp: there, any user could.
RUNTIME_FOLDERS = Path("/run/user")
_CONNECT_SECONDS = 0.2


@cache
def configured_endpoint(context: ProviderContext) -> Endpoint:
    """Return the address of the engine that a context names, resolved once.

    Raises:
        UsageError: a setting is wrong.
    """
    return resolve_endpoint(context.variables, context.home, docker_host=context.docker_host)


def resolve_endpoint(
    variables: Mapping[str, str],
    home: Path,
    *,
    docker_host: str | None = None,
) -> Endpoint:
    """Return the engine to use: first as the Docker CLI chooses it, then the first one found.

    The order: ``docker_host`` (the command line's), ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the CLI's
    current context, the sockets of known engines (the first that accepts a connection, else the
    first that exists) and ``tcp://127.0.0.1:2375``. As in the CLI, the context ``default`` does
    not name an engine.

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
        return parse_address(host.strip(), origin, _tls_from_variables(variables, config))
    if named := named_context(variables, config):
        return context_endpoint(*named, config)
    return choose_socket(known_sockets(variables, home)) or DEFAULT_TCP


def known_sockets(variables: Mapping[str, str], home: Path) -> tuple[Endpoint, ...]:
    """Return the sockets of known engines, existing or not, in order of preference."""
    runtimes = _runtime_folders(variables)
    sockets = [
        (Path(DEFAULT_SOCKET), "the default socket"),
        *((folder / "docker.sock", "the socket of rootless Docker") for folder in runtimes),
        (home / ".docker/run/docker.sock", "the socket of Docker Desktop or rootless Docker"),
        (home / ".docker/desktop/docker.sock", "the socket of Docker Desktop"),
        (home / ".orbstack/run/docker.sock", "the socket of OrbStack"),
        (home / ".colima/default/docker.sock", "the socket of Colima"),
        (home / ".rd/docker.sock", "the socket of Rancher Desktop"),
        *((folder / "podman/podman.sock", "the socket of Podman") for folder in runtimes),
        (Path("/run/podman/podman.sock"), "the socket of Podman"),
        (
            home / ".local/share/containers/podman/machine/podman.sock",
            "the socket of Podman",
        ),
    ]
    return tuple(Endpoint(f"unix://{path}", origin) for path, origin in sockets)


def _runtime_folders(variables: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the directories of this user's sockets.

    No variable names the usual one without a login, as under cron and ``sudo -u``.
    """
    named = variables.get("XDG_RUNTIME_DIR", "").strip()
    usual = RUNTIME_FOLDERS / str(os.getuid())
    return tuple(dict.fromkeys((Path(named), usual) if named else (usual,)))


def choose_socket(candidates: Iterable[Endpoint]) -> Endpoint | None:
    """Return the first socket that accepts a connection, else the first that exists, else None.

    A dead engine leaves its socket behind: it is returned, for its failure to be reported, only
    if no other engine answers.
    """
    existing = [
        candidate
        for candidate in candidates
        if candidate.socket and holds(candidate.socket.is_socket)
    ]
    return next(filter(_accepts, existing), existing[0] if existing else None)


def _accepts(endpoint: Endpoint) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(endpoint.socket))
        except OSError:
            return False
    return True


def _tls_from_variables(variables: Mapping[str, str], config: Path) -> TlsFiles | None:
    """Return the files for ``DOCKER_TLS_VERIFY`` (any text means yes) and ``DOCKER_CERT_PATH``."""
    verify = bool(variables.get("DOCKER_TLS_VERIFY", ""))
    folder = variables.get("DOCKER_CERT_PATH", "")
    if folder and not holds(Path(folder).is_dir):
        raise tls_missing(f"DOCKER_CERT_PATH: {folder} is not a directory")
    return tls_files(Path(folder or config), verify=verify) if verify or folder else None
