"""The secrets of a build: ``--secret id=NAME[,src=PATH|,env=NAME]``, written as for Docker.

Messages show nothing of an option: any part may be a secret that was pasted there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.core.progress import Progress
from os2cli.core.redaction import is_like_a_variable
from os2cli.core.small_files import read_small_or_pipe

# BuildKit's limit.
MAX_SECRET_BYTES = 500 * 2**10
_KEYS = {"id": "id", "src": "src", "source": "src", "env": "env", "type": "type"}
_TYPES = ("", "file", "env")


def read_secrets(
    options: Sequence[str],
    lookup: Callable[[str], str | None],
    folder: Path,
    progress: Progress,
) -> dict[str, bytes]:
    """Return the secrets by id; a later one wins.

    ``lookup`` returns a variable's value on this host; paths are relative to ``folder``. With an id
    alone, it names the variable or, if that is not set, the file. A secret whose variable is not
    set is empty, as it is for Docker, with a warning.

    Raises:
        UsageError: an option is malformed, or its file cannot be read.
    """
    secrets = {}
    for number, option in enumerate(options, start=1):
        origin = "--secret" if len(options) == 1 else f"--secret ({number} of {len(options)})"
        fields = _parse(option, origin)
        secrets[fields["id"]] = _read(fields, origin, lookup, folder, progress)
    return secrets


def _parse(option: str, origin: str) -> dict[str, str]:
    """Return the fields ``id``, ``src`` and ``env``, empty where they are not given."""
    fields = dict.fromkeys(_KEYS.values(), "")
    try:
        (columns,) = csv.reader([option], strict=True)
    except (csv.Error, ValueError):
        raise _malformed(origin) from None
    for column in columns:
        key, separator, value = column.partition("=")
        if not separator or key.lower() not in _KEYS:
            raise _malformed(origin)
        fields[_KEYS[key.lower()]] = value
    if not fields["id"] or fields["type"] not in _TYPES or (fields["src"] and fields["env"]):
        raise _malformed(origin)
    if fields["type"] == "env" and not fields["env"]:
        fields["env"], fields["src"] = fields["src"], ""
    return fields


def _malformed(origin: str) -> UsageError:
    return UsageError(
        f"{origin}: expected id=NAME[,src=PATH|,env=NAME]",
        hint="name a variable or a file: --secret id=NPM_TOKEN or --secret id=npm,src=.npmrc",
        code="option_invalid",
    )


def _read(
    fields: dict[str, str],
    origin: str,
    lookup: Callable[[str], str | None],
    folder: Path,
    progress: Progress,
) -> bytes:
    identity, source, variable = fields["id"], fields["src"], fields["env"]
    if variable:
        value = lookup(variable)
        if value is None:
            shown = f" {variable}" if is_like_a_variable(variable) else ""
            progress.warn(f"{origin}: variable{shown} is not set here: the secret is empty")
        return _encoded(value or "", origin)
    if not source and (value := lookup(identity)) is not None:
        return _encoded(value, origin)
    try:
        return read_small_or_pipe(folder / (source or identity), MAX_SECRET_BYTES)
    except FileNotFoundError as error:
        message = "cannot read its file" if source else "neither a variable nor a file has its id"
        raise _unreadable(f"{origin}: {message}", error if source else None) from None
    except OSError as error:
        raise _unreadable(f"{origin}: cannot read its file", error) from None


def _encoded(value: str, origin: str) -> bytes:
    content = value.encode(errors="surrogateescape")
    if len(content) > MAX_SECRET_BYTES:
        raise _unreadable(f"{origin}: its value is larger than {MAX_SECRET_BYTES / 1e6:g} MB")
    return content


def _unreadable(message: str, error: OSError | None = None) -> UsageError:
    return UsageError(
        f"{message}: {error.strerror}" if error else message,
        hint="name a variable or a file: --secret id=NAME,env=NAME or --secret id=NAME,src=PATH",
        code="secret_unreadable",
    )
