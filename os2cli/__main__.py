"""The first lines that run, of ``os2`` and of ``python -m os2cli``.

Until ``cli.py`` has loaded, nothing is done that must be undone: Ctrl-C ends the process at once,
instead of with the traceback of an import.
"""

import os
import sys

# What is behind `signal`, which takes longer to import than Python to start.
from _signal import SIG_IGN, SIGINT, getsignal, signal  # type: ignore[import-not-found]


def _end(signum: int, _: object) -> None:
    try:
        os.write(2, b"os2: stopped by SIGINT\n")
    finally:
        os._exit(128 + signum)


def _use_utf8() -> None:
    """Start again in UTF-8 mode where names would be ASCII, as by `LC_ALL=C PYTHONUTF8=0`."""
    if sys.getfilesystemencoding() == "ascii" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  it is this command


def main() -> int:
    """Run the command line of this process and return its exit code."""
    _use_utf8()
    # nohup and a shell's background jobs ignore it: keep it so.
    if getsignal(SIGINT) is not SIG_IGN:
        signal(SIGINT, _end)
    from os2cli.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
