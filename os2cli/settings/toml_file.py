"""Reading a file of settings that need not be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from os2cli.core.errors import UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """What the file holds, nothing when there is none.

    Raises:
        UsageError: it can't be read or is not TOML; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"{path} can't be read: {reason}",
            hint="mend the file or remove it",
            code="setting_file",
        ) from None
    # Most starts read no file.
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path} is not valid TOML: {error}",
            hint="mend the file or remove it",
            code="setting_file",
        ) from None
