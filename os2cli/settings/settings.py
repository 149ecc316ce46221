"""The reader of the environment: flag > environment > ``os2.toml`` > user file > default.

Commands pass their flags in; every value is in the frozen ``Settings``. Only variables that os2
knows are read: a process under ``doppler run`` holds many secrets that are none of os2's business.
``.env`` files are never read. Proxies and certificates are ``host.network``'s, for every client.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import UsageError
from os2cli.core.parsing import MAX_NUMBER, is_utf8, parse_number
from os2cli.settings import declared
from os2cli.settings.declared import DEFAULT_API_URL, DEFAULT_IMAGE, OPTIONS, Option
from os2cli.settings.directories import USER_FILE, Directories
from os2cli.settings.invocation import parse_progress
from os2cli.settings.toml_file import read_toml

REPOSITORY_FILE = "os2.toml"

STAGE_VARIABLES = declared.names(declared.STAGE)
ENGINE_VARIABLES = declared.names(declared.ENGINE)
# Read from the environment alone, and never part of ``Settings.variables``.
CREDENTIAL_VARIABLES = declared.names(declared.CREDENTIALS)
TERMINAL_VARIABLES = declared.names(declared.TERMINAL)
ANALYTICS_VARIABLES = declared.names(declared.ANALYTICS)
PROGRAM_VARIABLES = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TMPDIR",
    *(
        name
        for proxy in ("http_proxy", "https_proxy", "no_proxy")
        for name in (proxy, proxy.upper())
    ),
)
# What a process needs to find Python, its own state and the network.
DELIVERY_VARIABLES = (
    *PROGRAM_VARIABLES,
    "PYTHONPATH",
    "all_proxy",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
USAGE_KEYS = ("organization", "project", "email")
_KNOWN_VARIABLES = (*STAGE_VARIABLES, *ENGINE_VARIABLES, *TERMINAL_VARIABLES)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every value that os2 takes from its surroundings, and where each came from.

    ``variables`` holds the recognised environment variables that are set and not empty; ``values``
    maps a key of ``OPTIONS`` to its text, and ``origins`` to its source: a variable such as
    ``LOCAL_DOCKER_IMAGE_NAME``, a file's path or ``default``. The two files need not exist.
    ``analytics`` holds the variables for analytics, a key among them. ``warning`` says which
    directories of the user cannot be used.
    """

    image: str
    dockerfile: str | None
    base_image: str | None
    timeout_seconds: float
    cache_seconds: float
    daytona: DaytonaAccess
    variables: Mapping[str, str]
    home: Path
    state_dir: Path
    cache_dir: Path
    user_file: Path
    repository_file: Path | None
    values: Mapping[str, str | None] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    analytics: Mapping[str, str] = field(default_factory=dict, repr=False)
    warning: str | None = None

    @property
    def snapshot_cache_dir(self) -> Path:
        """The directory of cached snapshot resolutions."""
        return self.cache_dir / "snapshots"


def load_settings(repository: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Load the settings for a repository (None: outside of any).

    A file of the user that another user owns is left out with a warning.

    Raises:
        UsageError: a file cannot be read or parsed or has an unknown key, or a value is invalid;
            the message names the file or the variable.
    """
    environ = os.environ if environ is None else environ
    directories = Directories.of(environ)
    values: dict[str, str | None] = {}
    origins: dict[str, str] = {}
    user_file = directories.config / USER_FILE
    repository_file = repository / REPOSITORY_FILE if repository else None
    layers = [_read_file(user_file, OPTIONS)] if directories.readable else []
    if repository_file is not None:
        shared = tuple(option for option in OPTIONS if option.of_repository)
        layers.append(_read_file(repository_file, shared))
    layers.append(
        {o.key: (environ[o.variable], o.variable) for o in OPTIONS if environ.get(o.variable)}
    )
    for option in OPTIONS:
        values[option.key], origins[option.key] = option.default, "default"
        for layer in layers:
            if option.key in layer:
                values[option.key], origins[option.key] = layer[option.key]
        # What only analytics use must not fail a command.
        if option.key not in USAGE_KEYS and not is_utf8(values[option.key] or ""):
            raise UsageError(
                f"{origins[option.key]}: the text is not UTF-8",
                hint="write it in UTF-8, or unset it",
                code="setting_invalid",
            )
    parse_progress(environ.get("OS2_PROGRESS") or "auto", "OS2_PROGRESS")
    return Settings(
        image=values["image"] or DEFAULT_IMAGE,
        dockerfile=values["dockerfile"],
        base_image=values["base_image"],
        timeout_seconds=parse_seconds(values["timeout"] or "", origins["timeout"]),
        cache_seconds=parse_seconds(values["cache_ttl"] or "", origins["cache_ttl"], least=0.0),
        daytona=_daytona(environ, values, origins),
        variables={name: environ[name] for name in _KNOWN_VARIABLES if environ.get(name)},
        home=directories.home,
        state_dir=directories.state,
        cache_dir=directories.cache,
        user_file=user_file,
        repository_file=repository_file,
        values=values,
        origins=origins,
        analytics={name: environ[name] for name in ANALYTICS_VARIABLES if environ.get(name)},
        warning=directories.warning,
    )


def analytics_are_set_up() -> bool:
    """Return whether a PostHog project is configured; if not, analytics does nothing at all."""
    return bool(os.environ.get("POSTHOG_KEY"))


def _daytona(
    environ: Mapping[str, str], values: Mapping[str, str | None], origins: Mapping[str, str]
) -> DaytonaAccess:
    key, jwt, organization = (environ.get(name, "").strip() for name in CREDENTIAL_VARIABLES)
    return DaytonaAccess(
        url=(values["daytona_api_url"] or DEFAULT_API_URL).strip().rstrip("/"),
        url_origin=origins["daytona_api_url"],
        api_key=key or None,
        jwt=jwt or None,
        organization=organization or None,
        target=values["daytona_target"] or None,
    )


def parse_seconds(text: str, origin: str, least: float | None = None) -> float:
    """Parse seconds, e.g. ``90``: positive or at least ``least``, up to ``MAX_NUMBER``."""
    number = parse_number(text, float)
    seconds = -1.0 if number is None else number
    enough = seconds > 0 if least is None else seconds >= least
    if not enough or seconds > MAX_NUMBER:
        raise UsageError(
            f"{origin}: invalid number of seconds {text!r}",
            hint=f"use a number such as {'120' if least is None else '300, or 0 for none'}",
            code="setting_invalid",
        )
    return seconds


def terminal_variables() -> dict[str, str]:
    """Return the variables that style output, for when the settings cannot be loaded."""
    return {name: os.environ[name] for name in TERMINAL_VARIABLES if os.environ.get(name)}


def program_environment() -> dict[str, str]:
    """Return the environment for programs that os2 starts: paths and proxies, no secrets.

    An engine started under ``doppler run`` must not keep its secrets forever.
    """
    return {name: os.environ[name] for name in PROGRAM_VARIABLES if name in os.environ}


def delivery_environment() -> dict[str, str]:
    """Return the environment of the process that sends usage; it has no keys."""
    return {name: os.environ[name] for name in DELIVERY_VARIABLES if name in os.environ}


def variable_here(name: str) -> str | None:
    """Return the value of a variable that the user named, as in ``-e NAME``."""
    return os.environ.get(name)


def _read_file(path: Path, options: Sequence[Option]) -> dict[str, tuple[str, str]]:
    table = read_toml(path)
    known = [option.key for option in options]
    for key, value in table.items():
        if key not in known and key in [option.key for option in OPTIONS]:
            raise UsageError(
                f"{path}: {key!r} cannot be set by a repository",
                hint=f"set it in ~/.config/os2/{USER_FILE}, or use its variable",
                code="setting_unknown",
            )
        if key not in known:
            raise UsageError(
                f"{path}: unknown key {key!r}",
                hint=f"known keys: {', '.join(known)}",
                code="setting_unknown",
            )
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise UsageError(
                f"{path}: {key} must be text or a number",
                hint=f'write it as {key} = "…"',
                code="setting_invalid",
            )
    return {key: (str(value), str(path)) for key, value in table.items()}
