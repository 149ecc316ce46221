"""Run as a file: ``python -I -S __main__.py PROGRAM ARGUMENT…``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

# Last: a package beside os2 must not shadow the standard library.
sys.path.append(str(Path(__file__).resolve().parents[4]))


def main() -> int:
    """Run the program that the first argument names."""
    from os2cli.providers.local_process.s6 import PROGRAMS

    name, *arguments = sys.argv[1:]
    module = import_module(f"os2cli.providers.local_process.s6.{PROGRAMS[name]}")
    try:
        return int(module.main(arguments))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        # The exit code of s6 for a failed system call.
        return 111


if __name__ == "__main__":
    sys.exit(main())
