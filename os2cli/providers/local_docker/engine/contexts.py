"""The Docker CLI's files: its contexts and the certificates of engines behind TLS.

Formats read: ``config.json`` (``currentContext``) and the context store
(``contexts/meta/<sha256 of the name>/meta.json``, ``contexts/tls/<same>/docker/*.pem``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from os2cli.core.errors import UsageError
from os2cli.core.json_text import parse_json
from os2cli.core.notices import NOTICES
from os2cli.core.small_files import read_small
from os2cli.providers.local_docker.engine.address import Endpoint, TlsFiles, holds, parse_address


def named_context(variables: Mapping[str, str], config: Path) -> tuple[str, str] | None:
    """Return the context's name and what names it; None for ``default`` or no name."""
    file = config / "config.json"
    name, source = variables.get("DOCKER_CONTEXT", "").strip(), "DOCKER_CONTEXT"
    if not name:
        configuration = _configuration(file, named=bool(variables.get("DOCKER_CONFIG")))
        name, source = str(configuration.get("currentContext") or ""), str(file)
    return (name, source) if name and name != "default" else None


def context_endpoint(name: str, source: str, config: Path) -> Endpoint:
    """Return the endpoint of a context that ``source`` names.

    Raises:
        UsageError: the context does not exist (``context_unknown``), its file is invalid
            (``docker_config_invalid``) or TLS files are missing (``tls_files_missing``).
    """
    store = config / "contexts"
    identity = hashlib.sha256(name.encode()).hexdigest()
    file = store / "meta" / identity / "meta.json"
    if not (meta := _read_object(file)):
        known = ", ".join(["default", *_context_names(store)])
        raise UsageError(
            f"{source}: Docker context {name!r} not found",
            hint=f"choose one of: {known}",
            code="context_unknown",
        )
    docker = _mapping(_mapping(meta.get("Endpoints")).get("docker"))
    if not docker.get("Host"):
        raise UsageError(
            f"{file} does not name a Docker engine",
            hint="recreate the context: docker context create NAME --docker host=…",
            code="docker_config_invalid",
        )
    skip_verify = docker.get("SkipTLSVerify") is True
    folder = store / "tls" / identity / "docker"
    tls = tls_files(folder, verify=not skip_verify) if skip_verify or holds(folder.is_dir) else None
    return parse_address(str(docker["Host"]), f"Docker context {name!r}", tls)


def _context_names(store: Path) -> list[str]:
    files = sorted(store.glob("meta/*/meta.json"))
    return sorted(str(_read_object(file).get("Name", file.parent.name)) for file in files)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _configuration(file: Path, *, named: bool) -> dict[str, Any]:
    """Return Docker's configuration; empty if another user owns the default one, as after sudo."""
    try:
        return _read_object(file)
    except UsageError as error:
        if named or not isinstance(error.__cause__, PermissionError):
            raise
    # The settings warn of a whole home that denies access.
    if os.access(file.parent.parent, os.X_OK):
        NOTICES.warn(
            f"cannot read {file}: permission denied; Docker's contexts are not used",
            "correct its owner, or name the engine: --docker-host",
        )
    return {}


def _read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in ``file``; empty if the file does not exist."""
    try:
        value = parse_json(read_small(file))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read {file}: {error}",
            hint="fix the file, or name the engine: --docker-host",
            code="docker_config_invalid",
        ) from error
    if not isinstance(value, dict):
        raise UsageError(
            f"{file} is not a JSON object",
            hint="fix the file, or name the engine: --docker-host",
            code="docker_config_invalid",
        )
    return value


def tls_files(folder: Path, *, verify: bool) -> TlsFiles:
    """Return the certificates in ``folder``.

    Raises:
        UsageError: only one of the client's certificate and key exists (``tls_files_missing``).
    """
    paths = (folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    ca, certificate, key = (path if holds(path.is_file) else None for path in paths)
    if (certificate is None) != (key is None):
        raise tls_missing(f"{folder} has only one of cert.pem and key.pem")
    return TlsFiles(ca, certificate, key, verify)


def tls_missing(problem: str) -> UsageError:
    """Return the error for TLS files that do not exist."""
    return UsageError(
        f"the engine's TLS files are missing: {problem}",
        hint="put ca.pem, cert.pem and key.pem there, or unset DOCKER_TLS_VERIFY",
        code="tls_files_missing",
    )
