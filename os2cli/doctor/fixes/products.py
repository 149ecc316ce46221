"""Turns on the TCP API in OrbStack and in Docker Desktop for Windows."""

from __future__ import annotations

from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import TCP_URL, Host
from os2cli.doctor.fixes.json_file import read_settings, write_settings

_RESTART_SECONDS = 120.0
# Inside OrbStack's machine: what it listens on without "hosts" in its settings.
_UNIX_URL = "unix:///var/run/docker.sock"
_DESKTOP_SWITCH = "ExposeDockerAPIOnTCP2375"


def orbstack_tcp_api(host: Host) -> Fix:
    """Return the fix that adds the TCP API to OrbStack's daemon settings."""
    path = host.home / ".orbstack/config/docker.json"
    actions = (
        f'add "{TCP_URL}" to "hosts" in {path}, keeping the rest, with a backup beside it',
        "orb restart docker (running containers stop)",
    )
    return Fix(
        "tcp-api-orbstack",
        "turn OrbStack's TCP API on",
        actions,
        lambda progress: _orbstack(host, path, progress),
    )


def _orbstack(host: Host, path: Path, progress: Progress) -> None:
    settings = read_settings(path)
    merged = merge_hosts(settings, path)
    if merged == settings:
        return
    _write(host, path, merged, progress)
    _restart(host, progress, ("orb", "restart", "docker"), "OrbStack")


def merge_hosts(settings: dict[str, object], path: Path) -> dict[str, object]:
    """Return the settings of a daemon.json with the TCP API among ``hosts``.

    Raises:
        UsageError: ``hosts`` is not a list, or opens the port to other hosts.
    """
    hosts = settings.get("hosts", [_UNIX_URL])
    if not isinstance(hosts, list):
        problem = f'{path}: "hosts" is not a list'
        raise UsageError(
            problem, hint="fix the file; os2 did not change it", code="settings_broken"
        )
    if TCP_URL in hosts:
        return settings
    if taken := [each for each in hosts if str(each).endswith(":2375")]:
        raise UsageError(
            f'{path}: "hosts" has {taken[0]}, which may be open to other hosts',
            hint=f"replace it with {TCP_URL}; os2 did not change the file",
            code="tcp_api_open",
        )
    return {**settings, "hosts": [*hosts, TCP_URL]}


def desktop_tcp_api(host: Host) -> Fix:
    """Return the fix that turns on the documented setting of Docker Desktop for Windows.

    Docker Desktop for macOS and Linux does not document one for every version, so it has no fix;
    os2 works over the socket.
    """
    path = host.home / "AppData/Roaming/Docker/settings-store.json"
    actions = (
        f'set "{_DESKTOP_SWITCH}" to true in {path}, with a backup beside it',
        "docker desktop restart (running containers stop)",
    )
    return Fix(
        "tcp-api-desktop",
        "turn Docker Desktop's TCP API on",
        actions,
        lambda progress: _desktop(host, path, progress),
    )


def _desktop(host: Host, path: Path, progress: Progress) -> None:
    settings = read_settings(path)
    if settings.get(_DESKTOP_SWITCH) is True:
        return
    _write(host, path, {**settings, _DESKTOP_SWITCH: True}, progress)
    _restart(host, progress, ("docker", "desktop", "restart"), "Docker Desktop")


def _write(host: Host, path: Path, settings: dict[str, object], progress: Progress) -> None:
    backup = write_settings(path, settings, host.now())
    if backup:
        progress.notice(f"backup of the settings: {backup}")


def _restart(host: Host, progress: Progress, argv: tuple[str, ...], product: str) -> None:
    if host.commands.find(argv[0]) is None:
        progress.warn(f"{argv[0]} is not on the PATH: restart {product} yourself")
        return
    progress.status(f"restarting {product}")
    host.commands.check(argv, timeout=_RESTART_SECONDS, on_line=progress.log)
