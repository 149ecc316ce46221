"""Environment variables for machines: ``-e K=V``, ``-e K`` and ``--env-file``.

Values reach the machine unchanged; invalid input is an error, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.core.redaction import is_like_a_variable
from os2cli.core.small_files import read_small_or_pipe

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def machine_environment(
    assignments: Iterable[str],
    files: Iterable[Path],
    lookup: Callable[[str], str | None],
) -> dict[str, str]:
    """Gather the variables; the command line wins over files, later ones over earlier.

    ``lookup`` returns a variable's value on this host, for ``-e K``.

    Raises:
        UsageError: a line or an option is malformed, a file cannot be read, or ``-e K`` names a
            variable that is not set. Messages never show a value.
    """
    variables: dict[str, str] = {}
    for path in files:
        variables |= read_env_file(path)
    for assignment in assignments:
        key, value = _parse_assignment(assignment, lookup)
        variables[key] = value
    return variables


def read_env_file(path: Path) -> dict[str, str]:
    """Read ``K=V`` lines as ``docker run --env-file`` does.

    Nothing is quoted or expanded; lines that begin with ``#`` are skipped.
    """
    try:
        text = read_small_or_pipe(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"--env-file: cannot read {path}: {reason}",
            hint="name a text file of NAME=value lines",
            code="env_file",
        ) from None
    variables = {}
    # Not `splitlines`, which also splits at characters that a value may hold.
    for number, ended_line in enumerate(text.split("\n"), start=1):
        line = ended_line.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, separator, value = line.lstrip().partition("=")
        if not separator:
            raise UsageError(
                f"{path}, line {number}: expected NAME=value",
                hint="write NAME=value, or pass a variable of this shell with -e NAME",
                code="env_file",
            )
        variables[_check_key(key.rstrip(), f"{path}, line {number}")] = _check_value(value, key)
    return variables


def _parse_assignment(text: str, lookup: Callable[[str], str | None]) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if separator:
        return _check_key(key, "-e"), _check_value(value, key)
    if not _KEY.fullmatch(key):
        # The text may be a secret that was pasted without its name.
        raise _invalid_name("-e")
    here = lookup(key)
    if here is None and not is_like_a_variable(key):
        raise UsageError(
            "-e: variable not set",
            hint="write -e NAME=value; the text is not shown because it may be a secret",
            code="env_not_set",
        )
    if here is None:
        raise UsageError(
            f"-e {key}: variable not set",
            hint=f"set it, or give its value: -e {key}=value",
            code="env_not_set",
        )
    return key, _check_value(here, key)


def _check_key(key: str, origin: str) -> str:
    if _KEY.fullmatch(key):
        return key
    # A secret may also contain a "=".
    raise _invalid_name(origin, f" {key!r}" if is_like_a_variable(key) else "")


def _invalid_name(origin: str, shown: str = "") -> UsageError:
    return UsageError(
        f"{origin}: invalid variable name{shown}",
        hint="use letters, digits and '_', not starting with a digit: -e NAME=value",
        code="env_name_invalid",
    )


def _check_value(value: str, key: str) -> str:
    if "\0" in value:
        raise UsageError(
            f"the value of {key} contains a NUL character",
            hint="encode the value, for instance as base64",
            code="env_value_invalid",
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the value of {key} is not UTF-8",
            hint="encode the value, for instance as base64",
            code="env_value_invalid",
        ) from None
    return value
