"""Switches the TCP API of a Docker Engine on that systemd runs."""

from __future__ import annotations

import shlex
from pathlib import Path

from os2cli.core.errors import OperationFailed, Os2Error, UsageError
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import TCP_URL, Host
from os2cli.doctor.fixes.json_file import read_settings, write_settings
from os2cli.doctor.fixes.products import merge_hosts
from os2cli.doctor.fixes.start import systemctl

# The last one by name wins: `systemctl edit` writes override.conf.
_DROP_IN = "/etc/systemd/system/docker.service.d/zz-os2-tcp-api.conf"
_DAEMON_JSON = "/etc/docker/daemon.json"
_HOST_OPTIONS = ("-H", "--host")


def systemd_tcp_api(host: Host) -> Fix:
    """Add ``-H`` to the unit's command by a drop-in, or to ``hosts`` when daemon.json has them."""
    actions = (
        f"add -H {TCP_URL} to dockerd's command by the drop-in {_DROP_IN}"
        f' (or to "hosts" in {_DAEMON_JSON}, with a backup, if that file has them already)',
        "systemctl daemon-reload && systemctl restart docker (running containers stop)",
    )
    return Fix(
        "tcp-api-engine",
        "turn Docker Engine's TCP API on",
        actions,
        lambda progress: _apply(host, progress),
    )


def _apply(host: Host, progress: Progress) -> None:
    path = host.path(_DAEMON_JSON)
    settings = read_settings(path)
    # dockerd refuses to start with hosts in both places, so each is added to where they are.
    if "hosts" in settings:
        merged = merge_hosts(settings, path)
        if merged != settings:
            backup = write_settings(path, merged, host.now())
            _restart(host, progress, path, backup.read_bytes() if backup else None)
        return
    drop_in = host.path(_DROP_IN)
    command = _current_command(host)
    if _listens(command):
        return
    before = drop_in.read_bytes() if drop_in.exists() else None
    try:
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(render_drop_in(command))
    except OSError as error:
        raise OperationFailed(
            f"cannot write {drop_in}: {error.strerror}",
            hint="see whether that file system is full or read-only: nothing was changed",
        ) from error
    _restart(host, progress, drop_in, before)


def render_drop_in(command: str) -> str:
    """A drop-in that runs ``command`` with the TCP API added; the empty line clears the unit's."""
    options = f"-H {TCP_URL}"
    if not any(word in _HOST_OPTIONS or word.startswith("--host=") for word in command.split()):
        options = f"-H unix:///var/run/docker.sock {options}"  # the default, which any -H replaces
    return f"# Written by os2 doctor --fix.\n[Service]\nExecStart=\nExecStart={command} {options}\n"


def _current_command(host: Host) -> str:
    """The command that is in force: the last of the unit and its drop-ins."""
    lines: list[str] = []
    host.commands.check(("systemctl", "cat", "docker.service"), timeout=20, on_line=lines.append)
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    commands = [line.partition("=")[2].strip() for line in joined if line.startswith("ExecStart=")]
    if not commands or not commands[-1]:
        raise OperationFailed(
            "docker.service has no ExecStart",
            hint="look at the unit: systemctl cat docker.service",
            code="unit_unknown",
        )
    return commands[-1]


def _listens(command: str) -> bool:
    """Whether the command opens the TCP API already; raises when it opens it to everyone."""
    urls = [word.removeprefix("-H").removeprefix("--host=") for word in shlex.split(command)]
    if TCP_URL in urls:
        return True
    if taken := [url for url in urls if url.startswith("tcp://") and url.endswith(":2375")]:
        raise UsageError(
            f"docker.service listens at {taken[0]}, which may be open to others",
            hint=f"replace it by {TCP_URL}: systemctl edit --full docker",
            code="tcp_api_open",
        )
    return False


def _restart(host: Host, progress: Progress, changed: Path, before: bytes | None) -> None:
    """Restart the engine; when it does not come back, put the file back and start it as it was."""
    try:
        systemctl(host, progress, "daemon-reload")
        systemctl(host, progress, "restart", "docker")
    except Os2Error:
        progress.warn(f"the engine does not start with the TCP API: {changed} is put back")
        if before is None:
            changed.unlink(missing_ok=True)
        else:
            changed.write_bytes(before)
        systemctl(host, progress, "daemon-reload")
        systemctl(host, progress, "restart", "docker")
        raise
