"""Turns on the TCP API of a Docker Engine under systemd."""

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
    """Return the fix that adds ``-H`` in a drop-in, or to ``hosts`` if daemon.json has them."""
    actions = (
        f"add -H {TCP_URL} to dockerd's command in the drop-in {_DROP_IN}"
        f' (or to "hosts" in {_DAEMON_JSON}, with a backup, if that file has them)',
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
    # dockerd does not start with hosts in both places.
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
            hint="check whether the file system is full or read-only; os2 changed nothing",
        ) from error
    _restart(host, progress, drop_in, before)


def render_drop_in(command: str) -> str:
    """Return a drop-in that adds the TCP API to ``command``; ``ExecStart=`` clears the unit's."""
    options = f"-H {TCP_URL}"
    if not any(word in _HOST_OPTIONS or word.startswith("--host=") for word in command.split()):
        options = f"-H unix:///var/run/docker.sock {options}"  # the default, which any -H replaces
    return f"# Written by os2 doctor --fix.\n[Service]\nExecStart=\nExecStart={command} {options}\n"


def _current_command(host: Host) -> str:
    """Return the command in force: the last of the unit and its drop-ins."""
    lines: list[str] = []
    host.commands.check(("systemctl", "cat", "docker.service"), timeout=20, on_line=lines.append)
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    commands = [line.partition("=")[2].strip() for line in joined if line.startswith("ExecStart=")]
    if not commands or not commands[-1]:
        raise OperationFailed(
            "docker.service has no ExecStart",
            hint="check the unit: systemctl cat docker.service",
            code="unit_unknown",
        )
    return commands[-1]


def _listens(command: str) -> bool:
    """Return whether the command opens the TCP API; raises if it opens it to other hosts."""
    urls = [word.removeprefix("-H").removeprefix("--host=") for word in shlex.split(command)]
    if TCP_URL in urls:
        return True
    if taken := [url for url in urls if url.startswith("tcp://") and url.endswith(":2375")]:
        raise UsageError(
            f"docker.service listens at {taken[0]}, which may be open to other hosts",
            hint=f"replace it with {TCP_URL}: systemctl edit --full docker",
            code="tcp_api_open",
        )
    return False


def _restart(host: Host, progress: Progress, changed: Path, before: bytes | None) -> None:
    """Restart the engine; if that fails, restore the file and restart it again."""
    try:
        systemctl(host, progress, "daemon-reload")
        systemctl(host, progress, "restart", "docker")
    except Os2Error:
        progress.warn(f"the engine does not start with the TCP API: restoring {changed}")
        if before is None:
            changed.unlink(missing_ok=True)
        else:
            changed.write_bytes(before)
        systemctl(host, progress, "daemon-reload")
        systemctl(host, progress, "restart", "docker")
        raise
