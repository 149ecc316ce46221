"""Read a settings file that need not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from os2cli.core.errors import UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the file's table, empty when there is no file.

    Raises:
        UsageError: the file cannot be read or is not valid TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"cannot read {path}: {reason}",
            hint="fix or remove the file",
            code="setting_file",
        ) from None
    # Most starts read no file.
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path}: invalid TOML: {error}",
            hint="fix or remove the file",
            code="setting_file",
        ) from None
