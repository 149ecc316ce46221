"""Git, started so that the repository that it reads makes it run nothing else.

A repository may come from anywhere with its ``.git``: an archive, a shared disk, a build's cache.
Its configuration names programs: for hooks, remotes, filters, editors, signatures. Those with a
fixed name are turned off here. Those with names of their own (``filter.<name>.clean``) cannot be
turned off, so only subcommands that run none of them may be started, and no protocol is open for a
fetch. Git's guard of owners (``safe.directory``) stays as the user set it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

# They read the index, directories, ignore files, settings, refs and objects, and run no filter,
# diff or merge driver. `read-tree`, `update-index` and `add` are for repositories that os2 made.
Subcommand = Literal[
    "config",
    "ls-files",
    "check-ignore",
    "rev-parse",
    "version",
    "symbolic-ref",
    "for-each-ref",
    "rev-list",
    "pack-objects",
    "read-tree",
    "update-index",
    "ls-tree",
    "add",
]

# A line for each of a million files. An index can stand for far more than its own size.
_MAX_OUTPUT_BYTES = 256_000_000
_MAX_MESSAGE_BYTES = 64_000
_STOP_SECONDS = 5.0

_OFF = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.askPass": "",
    "core.editor": "false",
    "core.pager": "cat",
    "core.alternateRefsCommand": "true",
    "credential.helper": "",
    "diff.external": "",
    "log.showSignature": "false",
    "gpg.program": "false",
    "gpg.openpgp.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "protocol.allow": "never",
    # A directory of the repository that looks like a bare one has its own configuration.
    "safe.bareRepository": "explicit",
}
_OURS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # A missing object is not fetched: the remote's `uploadpack` is a command. Git before 2.45
    # knows only the second, which also wins over `protocol.<name>.allow` of the repository.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    # What a commit really is, not what a ref or a file of this clone puts instead of it.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "LC_ALL": "C",
}
# Where the user's own settings are, and git's switch that makes its guard stricter.
_INHERITED = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_TEST_ASSUME_DIFFERENT_OWNER",
    }
)


@dataclass(frozen=True, slots=True)
class GitResult:
    """A git that ended; ``stderr`` is the beginning of its messages, in English."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def messages(self) -> list[str]:
        """The lines of ``stderr``."""
        return self.stderr.decode(errors="backslashreplace").splitlines()

    @property
    def failed(self) -> bool:
        """Whether git reported an error; some versions of it then still exit with 0."""
        return self.returncode != 0 or bool(self._errors)

    @property
    def reason(self) -> str:
        """Why git failed, in its words."""
        first = next(iter((*self._errors, *self.messages)), "no reason given")
        return first.removeprefix("error: ").removeprefix("fatal: ")

    @property
    def _errors(self) -> list[str]:
        """The errors; first those of git itself, then those of what it started."""
        return [
            line
            for sort in ("error: ", "fatal: ")
            for line in self.messages
            if line.startswith(sort)
        ]

    @property
    def remedy(self) -> str | None:
        """The command with which git's guard of owners can be lifted for this repository."""
        return next((line.strip() for line in self.messages if "safe.directory" in line), None)


class GitTimeout(Exception):
    """Git was stopped at its deadline."""


class GitOutputTooLarge(Exception):
    """Git was stopped because it printed more than any repository's list of files."""


def find_git(environ: Mapping[str, str]) -> str | None:
    """Return git's path, None without one.

    Relative directories of ``PATH`` are left out: git is started inside the repository.
    """
    return shutil.which("git", path=_absolute(environ.get("PATH", os.defpath)))


def run_git(
    program: str,
    folder: Path,
    subcommand: Subcommand,
    *arguments: str,
    environ: Mapping[str, str],
    seconds: float,
    stdin: Path = Path(os.devnull),
) -> GitResult:
    """Run a git that reads, in ``folder``; see the module for what it cannot do.

    ``stdin`` is a file.

    Raises:
        GitTimeout: it did not end within ``seconds``.
        GitOutputTooLarge: it printed too much.
        OSError: it cannot be started.
    """
    options = [part for key, value in _OFF.items() for part in ("-c", f"{key}={value}")]
    with stdin.open("rb") as content:
        process = subprocess.Popen(
            (program, "--no-pager", *options, subcommand, *arguments),
            cwd=folder,
            env=_environment(environ),
            stdin=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    messages: list[bytes] = []
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    reader = threading.Thread(target=lambda: messages.append(_beginning(process.stderr)))
    try:
        timer.start()
        reader.start()
        output = process.stdout.read(_MAX_OUTPUT_BYTES + 1) if process.stdout else b""
        if len(output) > _MAX_OUTPUT_BYTES:
            raise GitOutputTooLarge
        reader.join()
        code = process.wait()
    finally:
        timer.cancel()
        _end(process, reader)
    if late.is_set():
        raise GitTimeout
    return GitResult(code, output, messages[0])


def _end(process: subprocess.Popen[bytes], reader: threading.Thread) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.wait(_STOP_SECONDS)
    if reader.ident is not None:
        reader.join(_STOP_SECONDS)
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def _beginning(stream: IO[bytes] | None) -> bytes:
    """Read a stream to its end, and return its beginning."""
    beginning = b""
    while stream and (piece := stream.read(_MAX_MESSAGE_BYTES)):
        beginning = beginning or piece
    return beginning


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without variables that point git elsewhere, e.g. a hook's GIT_DIR.

    The rest is passed on because git finds its global ignore file through HOME and itself through
    PATH. Messages are in English, and git locks and refreshes nothing in the repository.
    """
    inherited = {
        name: text
        for name, text in environ.items()
        if not name.startswith("GIT_") or name in _INHERITED
    }
    return inherited | {"PATH": _absolute(environ.get("PATH", os.defpath))} | _OURS


def _absolute(path: str) -> str:
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if folder.startswith("/"))
