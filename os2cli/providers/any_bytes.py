"""Commands with bytes that are not UTF-8, for providers whose requests are JSON.

Linux allows any byte in arguments and paths. JSON does not: an engine would replace it without a
message.
"""

from __future__ import annotations

import os
from dataclasses import replace

from os2cli.core.models import Command
from os2cli.core.parsing import is_utf8

# Decodes each argument; the ``x`` keeps line ends, which a substitution would remove.
_DECODE = """
for word; do
    word=$(printf '%bx' "$word")
    set -- "$@" "${word%x}"
    shift
done
"""
_RUN = f'{_DECODE}exec "$@"'
_RUN_IN_FOLDER = f'{_DECODE}cd -- "$1" && shift && exec "$@"'


def in_utf8(command: Command) -> Command:
    """Return a command that does the same and whose words are UTF-8."""
    folder = () if command.folder is None else (command.folder,)
    words = (*folder, *command.argv)
    if all(map(is_utf8, words)):
        return command
    script = _RUN_IN_FOLDER if folder else _RUN
    argv = ("sh", "-c", script, "sh", *map(_encoded, words))
    return replace(command, argv=argv, folder=None)


def _encoded(word: str) -> str:
    """Return a word in the octal notation of ``printf %b``."""
    return "".join(f"\\0{byte:03o}" for byte in os.fsencode(word))
