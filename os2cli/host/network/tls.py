"""The certificate authorities that every client trusts, and the variables that name more."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import certifi

from os2cli.core.notices import NOTICES, Notices
from os2cli.core.small_files import read_small

# OpenSSL's own, which replace the system's store.
_FILE, _FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"
# Those of other programs, whose authorities are added; the first that is set counts.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_MAX_BUNDLE_BYTES = 20_000_000
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


def certificates(notices: Notices = NOTICES) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's store, with companies' own authorities.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace it, ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE``
    adds to it. A value that cannot be used is left out with a warning to ``notices``. A Python
    without a store, as some on a Mac, gets certifi's, which takes 40 ms to read.
    """
    context = ssl.create_default_context()
    problems = trust_problems(os.environ)
    for problem in problems:
        notices.warn(problem, "name a file with CA certificates in PEM form, or unset it")
    if any(problem.startswith(f"{_FILE}=") for problem in problems):
        _load(context, Path(ssl.get_default_verify_paths().openssl_cafile))
    bundle = _bundle(os.environ)
    if bundle and _bundle_problem(Path(bundle[1])) is None:
        _load(context, Path(bundle[1]))
    folder = ssl.get_default_verify_paths().capath
    if not context.cert_store_stats()["x509_ca"] and not (folder and _has_certificates(folder)):
        context.load_verify_locations(cafile=certifi.where())
    return context


def trust_problems(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the variables, each with its path and the reason."""
    return [f"{variable}={path}: {why}" for variable, path, why in _problems(environ) if why]


def _problems(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str | None]]:
    if path := environ.get(_FILE):
        yield _FILE, path, _file_problem(Path(path))
    if folders := environ.get(_FOLDER):
        whys = [_folder_problem(Path(folder)) for folder in folders.split(os.pathsep)]
        yield _FOLDER, folders, None if None in whys else whys[0]
    if bundle := _bundle(environ):
        yield *bundle, _bundle_problem(Path(bundle[1]))


def _bundle(environ: Mapping[str, str]) -> tuple[str, str] | None:
    return next(((name, environ[name]) for name in _BUNDLES if environ.get(name)), None)


def _bundle_problem(path: Path) -> str | None:
    return _folder_problem(path) if os.path.isdir(path) else _file_problem(path)  # noqa: PTH112


def _file_problem(path: Path) -> str | None:
    try:
        if not read_small(path, _MAX_BUNDLE_BYTES).strip():
            return "it is empty"
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "it holds no certificate in PEM form"
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


def _folder_problem(path: Path) -> str | None:
    try:
        if not _has_certificates(path):
            return "it holds no certificates named by their hashes"
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


def _has_certificates(folder: str | Path) -> bool:
    return any(_HASHED.fullmatch(each.name) for each in Path(folder).iterdir())


def _load(context: ssl.SSLContext, path: Path) -> None:
    with suppress(OSError, ssl.SSLError):
        if path.is_dir():
            context.load_verify_locations(capath=path)
        elif path.is_file():
            context.load_verify_locations(cafile=path)
