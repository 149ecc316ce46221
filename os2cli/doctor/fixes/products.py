"""The TCP API of OrbStack and of Docker Desktop for Windows."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import Host
from os2cli.doctor.fixes.hosts import add_host, drop_host
from os2cli.doctor.fixes.json_file import read_settings, write_settings
from os2cli.doctor.fixes.switch import Switch, opened_elsewhere

_RESTART_SECONDS = 120.0
_DESKTOP_SWITCH = "ExposeDockerAPIOnTCP2375"


def orbstack_tcp_api(host: Host, switch: Switch) -> Fix:
    """Return the fix that changes OrbStack's daemon settings."""
    path = host.home / ".orbstack/config/docker.json"
    verb = f'add "{host.tcp_url}" to' if switch.on else f'remove "{host.tcp_url}" from'
    actions = (
        f'{verb} "hosts" in {path}, keeping the rest, with a backup beside it',
        "orb restart docker (running containers stop)",
    )
    return switch.fix("OrbStack", actions, partial(_orbstack, host, path, switch))


def _orbstack(host: Host, path: Path, switch: Switch, progress: Progress) -> None:
    settings = read_settings(path)
    change = add_host if switch.on else drop_host
    changed = change(settings, path, host.tcp_url)
    if _write(host, path, settings, changed, switch, progress):
        _restart(host, progress, ("orb", "restart", "docker"), "OrbStack")


def desktop_tcp_api(host: Host, switch: Switch) -> Fix:
    """Return the fix that changes the documented setting of Docker Desktop for Windows.

    Docker Desktop for macOS and Linux does not document one for every version, so it has no fix;
    os2 works over the socket.
    """
    path = host.home / "AppData/Roaming/Docker/settings-store.json"
    value = "true" if switch.on else "false"
    actions = (
        f'set "{_DESKTOP_SWITCH}" to {value} in {path}, with a backup beside it',
        "docker desktop restart (running containers stop)",
    )
    return switch.fix("Docker Desktop", actions, partial(_desktop, host, path, switch))


def _desktop(host: Host, path: Path, switch: Switch, progress: Progress) -> None:
    settings = read_settings(path)
    changed = settings
    if (settings.get(_DESKTOP_SWITCH) is True) is not switch.on:
        changed = {**settings, _DESKTOP_SWITCH: switch.on}
    if _write(host, path, settings, changed, switch, progress):
        _restart(host, progress, ("docker", "desktop", "restart"), "Docker Desktop")


def _write(
    host: Host,
    path: Path,
    settings: dict[str, object],
    changed: dict[str, object],
    switch: Switch,
    progress: Progress,
) -> bool:
    """Write the settings; return False if they are already so."""
    if changed == settings:
        if not switch.on:
            raise opened_elsewhere(str(path), host.tcp_url)
        return False
    if backup := write_settings(path, changed, host.now()):
        progress.notice(f"backup of the settings: {backup}")
    return True


def _restart(host: Host, progress: Progress, argv: tuple[str, ...], product: str) -> None:
    if host.commands.find(argv[0]) is None:
        progress.warn(f"{argv[0]} is not on the PATH: restart {product} yourself")
        return
    progress.status(f"restarting {product}")
    host.commands.check(argv, timeout=_RESTART_SECONDS, on_line=progress.log)
