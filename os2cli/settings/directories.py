"""The directories of settings, state and cache, which may belong to another user."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

USER_FILE = "config.toml"
_DEFAULTS = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
}
_ATTRIBUTES = {
    "XDG_CONFIG_HOME": "user_config_path",
    "XDG_STATE_HOME": "user_state_path",
    "XDG_CACHE_HOME": "user_cache_path",
}


@dataclass(frozen=True, slots=True)
class Directories:
    """Where os2 reads its user's settings and keeps what it needs again.

    ``warning`` says which of them cannot be used, and why; ``readable`` whether the settings can.
    """

    home: Path
    config: Path
    state: Path
    cache: Path
    warning: str | None = None
    readable: bool = True

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Directories:
        """Find them; nothing is created, and nothing raises."""
        home = _home(environ)
        config, state, cache = (_directory(environ, home, name) for name in _DEFAULTS)
        unreadable = _unreadable(config / USER_FILE)
        reasons = (unreadable, _unwritable(state), _unwritable(cache))
        # One reason for each variable is enough: mostly all of them are in one home.
        problems = {
            _origin(environ, home, name): reason
            for name, reason in zip(_DEFAULTS, reasons, strict=True)
            if reason is not None
        }
        listed = ", ".join(f"{origin}: {reason}" for origin, reason in problems.items())
        effect = "uses its defaults and keeps nothing" if unreadable else "keeps nothing"
        warning = f"{listed}; os2 {effect} there" if listed else None
        return cls(home, config, state, cache, warning, unreadable is None)


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("HOME") or "~").expanduser()
    except RuntimeError:
        # A user id without a name, as in containers, and without HOME.
        return Path("/")


def _directory(environ: Mapping[str, str], home: Path, variable: str) -> Path:
    # On Linux, the XDG rules are these two lines: platformdirs costs 20 ms of every start.
    if sys.platform == "linux":
        base = environ.get(variable, "")
        return (Path(base) if base.startswith("/") else home / _DEFAULTS[variable]) / "os2"
    from platformdirs import PlatformDirs

    path: Path = getattr(PlatformDirs("os2", appauthor=False), _ATTRIBUTES[variable])
    return path


def _origin(environ: Mapping[str, str], home: Path, variable: str) -> str:
    value = environ.get(variable, "")
    return f"{variable}={value}" if value.startswith("/") else f"HOME={home}"


def _unreadable(path: Path) -> str | None:
    """Return why a file cannot be read, None if it can or does not exist."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror
    return None if os.access(path, os.R_OK) else "permission denied"


def _unwritable(path: Path) -> str | None:
    """Return why nothing can be kept in a directory, which need not exist yet."""
    for folder in (path, *path.parents):
        try:
            mode = folder.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            return error.strerror
        if not stat.S_ISDIR(mode):
            return "not a directory"
        return None if os.access(folder, os.W_OK | os.X_OK) else "not writable"
    return None
