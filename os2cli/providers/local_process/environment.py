"""The environment of a machine's processes: variables, programs and a home."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from os2cli.providers.local_process.node import Node
from os2cli.providers.local_process.record import Record, name_of_snapshot
from os2cli.providers.local_process.records import MachineFolder
from os2cli.providers.local_process.s6 import PROGRAMS
from os2cli.providers.local_process.s6.folders import (
    FOLDER_VARIABLE,
    HOME_VARIABLE,
    LOG_VARIABLE,
    MARK_VARIABLE,
    SOCKET_VARIABLE,
)
from os2cli.providers.local_process.s6.scan import PROGRAM_FILE

# Instead of the image's mount directory, which may exist on this host.
_NO_MOUNT = "no-mount"


def environment(record: Record, folder: MachineFolder) -> dict[str, str]:
    """Return the variables of every process in the machine; only PATH comes from this process.

    The user's override our defaults, and those that the machine needs override the user's.
    """
    path = record.env.get("PATH") or os.pathsep.join(os.get_exec_path())
    return {
        **_user(),
        "LANG": "C.UTF-8",
        "HOME": str(folder.home),
        "ITERATE_DEV": "true",
        "ITERATE_REPO_DIR": record.mount or str(folder.repository),
        "ITERATE_REPO_MOUNT": str(folder.path / _NO_MOUNT),
        "OS2_SNAPSHOT": name_of_snapshot(record),
        "NODE_USE_SYSTEM_CA": "1",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        **{variable: str(port) for variable, port in record.ports.items()},
        **record.env,
        "PATH": f"{folder.programs}{os.pathsep}{path}",
        "ITERATE_SERVER_HOST": ",".join(record.addresses),
        "ITERATE_SERVER_PORT": str(record.port),
        "OS2_MACHINE_NAME": record.name,
        HOME_VARIABLE: record.sandbox,
        "OS2_SCAN_DIRECTORY": str(folder.services),
        LOG_VARIABLE: str(folder.logs),
        FOLDER_VARIABLE: str(folder.path),
        SOCKET_VARIABLE: record.socket,
        MARK_VARIABLE: record.id,
    }


def _user() -> dict[str, str]:
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError:  # a user id without a name, as in containers
        return {"SHELL": "/bin/sh"}
    return {"USER": user.pw_name, "LOGNAME": user.pw_name, "SHELL": user.pw_shell or "/bin/sh"}


def tool(name: str) -> list[str]:
    """Return the command of one of our s6 programs, for use outside a machine."""
    return [sys.executable, "-I", "-S", str(PROGRAM_FILE), name]


def prepare_home(record: Record, folder: MachineFolder, node: Node) -> None:
    """Create what the variables name; files in an existing home stay."""
    for each in (folder.home, folder.repository, folder.logs):
        each.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(folder.programs, ignore_errors=True)
    folder.programs.mkdir(mode=0o700)
    for name in PROGRAMS:
        _program(folder.programs / name, tool(name))
    (folder.programs / "node").symlink_to(node.program)
    if node.npm is not None:
        for name in ("npm", "npx"):
            script = node.npm.with_name(f"{name}-cli.js")
            _program(folder.programs / name, [str(node.program), str(script)])
    if not shutil.which("pnpm"):
        npm = [str(node.program), str(node.npm)] if node.npm else ["npm"]
        package = f"--package={_package_manager(Path(record.sandbox))}"
        _program(folder.programs / "pnpm", [*npm, "exec", "--yes", package, "--", "pnpm"])
    _write_profile(folder.home, Path(record.sandbox), _profile(record, folder))


def _program(path: Path, argv: list[str]) -> None:
    path.write_bytes(os.fsencode(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n'))
    path.chmod(0o700)


def _package_manager(sandbox: Path) -> str:
    """Return the sandbox's pnpm, such as ``pnpm@10.34.9``."""
    return str(json.loads((sandbox / "package.json").read_text())["packageManager"])


def _profile(record: Record, folder: MachineFolder) -> str:
    """Return the profile for login shells: the host's may set another PATH."""
    programs = shlex.quote(str(folder.programs))
    prompt = shlex.quote(f"{record.name} (this host) $ ")
    return f'PATH={programs}:"$PATH"\nexport PATH\nPS1={prompt}\n'


def _write_profile(home: Path, sandbox: Path, profile: str) -> None:
    helper = f"!node {shlex.quote(str(sandbox / 'git-credential.ts'))}"
    files: Mapping[str, str] = {
        ".profile": profile,
        ".zprofile": profile,
        ".gitconfig": "[user]\n\tname = iterate\n"
        "\temail = 233973017+iterate[bot]@users.noreply.github.com\n"
        "[init]\n\tdefaultBranch = main\n"
        f"[credential]\n\thelper = {json.dumps(helper, ensure_ascii=False)}\n",
    }
    for name, text in files.items():
        if not (home / name).exists():
            (home / name).touch(mode=0o600)
            (home / name).write_bytes(os.fsencode(text))
