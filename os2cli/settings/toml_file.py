"""Read a settings file that need not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from os2cli.core.errors import UsageError
from os2cli.core.small_files import read_small

MAX_BYTES = 64_000
# The parser's time grows with the square of the parts of a key: `a.a.a.…`.
MAX_LINE = 500


def read_toml(path: Path) -> dict[str, Any]:
    """Return the file's table, empty when there is no file.

    Raises:
        UsageError: the file cannot be read or is not valid TOML.
    """
    try:
        text = read_small(path, MAX_BYTES).decode()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"cannot read {path}: {reason}",
            hint="fix or remove the file",
            code="setting_file",
        ) from None
    if any(len(line) > MAX_LINE for line in text.splitlines()):
        raise UsageError(
            f"{path}: a line is longer than {MAX_LINE} characters",
            hint="fix or remove the file",
            code="setting_file",
        )
    # Most starts read no file.
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits is a ValueError of Python's own.
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise UsageError(
            f"{path}: invalid TOML: {reason}",
            hint="fix or remove the file",
            code="setting_file",
        ) from None
