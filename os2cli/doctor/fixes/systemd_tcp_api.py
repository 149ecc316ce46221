"""The TCP API of a Docker Engine under systemd."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import DAEMON_JSON, Host
from os2cli.doctor.fixes.hosts import UNIX_URL, add_host, add_option, drop_host
from os2cli.doctor.fixes.json_file import read_settings, write_settings
from os2cli.doctor.fixes.start import systemctl
from os2cli.doctor.fixes.switch import Switch, opened_elsewhere

# The last one by name wins: `systemctl edit` writes override.conf.
_DROP_IN = "/etc/systemd/system/docker.service.d/zz-os2-tcp-api.conf"


def systemd_tcp_api(host: Host, switch: Switch) -> Fix:
    """Return the fix that changes ``-H`` in a drop-in, or ``hosts`` if daemon.json has them."""
    if switch.on:
        action = f"add -H {host.tcp_url} to dockerd's command in the drop-in {_DROP_IN}"
    else:
        action = f"remove the drop-in {_DROP_IN}, which adds -H {host.tcp_url}"
    actions = (
        f'{action} (or change "hosts" in {DAEMON_JSON}, with a backup, if that file has them)',
        "systemctl daemon-reload && systemctl restart docker (running containers stop)",
    )
    return switch.fix("Docker Engine", actions, partial(_apply, host, switch))


def _apply(host: Host, switch: Switch, progress: Progress) -> None:
    path = host.path(DAEMON_JSON)
    settings = read_settings(path)
    # dockerd does not start with hosts in both places.
    if "hosts" in settings:
        _change_settings(host, switch, progress, path, settings)
    elif switch.on:
        _write_drop_in(host, progress)
    else:
        _remove_drop_in(host, progress)


def _change_settings(
    host: Host, switch: Switch, progress: Progress, path: Path, settings: dict[str, object]
) -> None:
    change = add_host if switch.on else drop_host
    changed = change(settings, path, host.tcp_url)
    if changed != settings:
        backup = write_settings(path, changed, host.now())
        _restart(host, progress, path, backup.read_bytes() if backup else None)
    elif not switch.on:
        raise opened_elsewhere(str(path), host.tcp_url)


def _write_drop_in(host: Host, progress: Progress) -> None:
    drop_in = host.path(_DROP_IN)
    command = _current_command(host)
    words = shlex.split(command)
    extended = add_option(words, host.tcp_url, UNIX_URL, "docker.service")
    if extended == words:
        return
    before = drop_in.read_bytes() if drop_in.exists() else None
    try:
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(render_drop_in(command, extended[len(words) :]))
    except OSError as error:
        raise OperationFailed(
            f"cannot write {drop_in}: {error.strerror}",
            hint="check whether the file system is full or read-only; os2 changed nothing",
        ) from error
    _restart(host, progress, drop_in, before)


def render_drop_in(command: str, options: list[str]) -> str:
    """Return a drop-in that adds options to ``command``; ``ExecStart=`` clears the unit's."""
    lines = ("[Service]", "ExecStart=", f"ExecStart={command} {' '.join(options)}")
    return "\n".join(("# Written by os2 doctor --fix tcp-api.", *lines, ""))


def _remove_drop_in(host: Host, progress: Progress) -> None:
    drop_in = host.path(_DROP_IN)
    if not drop_in.exists():
        raise opened_elsewhere(str(drop_in), host.tcp_url)
    before = drop_in.read_bytes()
    drop_in.unlink()
    _restart(host, progress, drop_in, before)


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


def _restart(host: Host, progress: Progress, changed: Path, before: bytes | None) -> None:
    """Restart the engine; if that fails, restore the file and restart it again."""
    try:
        systemctl(host, progress, "daemon-reload")
        systemctl(host, progress, "restart", "docker")
    except Os2Error:
        progress.warn(f"the engine does not start with the change: restoring {changed}")
        if before is None:
            changed.unlink(missing_ok=True)
        else:
            changed.write_bytes(before)
        systemctl(host, progress, "daemon-reload")
        systemctl(host, progress, "restart", "docker")
        raise
