"""Switches the TCP API on in OrbStack and in Docker Desktop for Windows."""

from __future__ import annotations

from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import TCP_URL, Host
from os2cli.doctor.fixes.json_file import read_settings, write_settings

_RESTART_SECONDS = 120.0
# Inside OrbStack's machine; what it listens on when its settings name no hosts.
_UNIX_URL = "unix:///var/run/docker.sock"
_DESKTOP_SWITCH = "ExposeDockerAPIOnTCP2375"


def orbstack_tcp_api(host: Host) -> Fix:
    """Merge ``hosts`` into OrbStack's daemon settings and restart its engine."""
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
    """The settings of a daemon.json with the TCP API among ``hosts``.

    Raises:
        UsageError: ``hosts`` is no list, or opens the port to everyone.
    """
    hosts = settings.get("hosts", [_UNIX_URL])
    if not isinstance(hosts, list):
        problem = f'{path}: "hosts" is not a list'
        raise UsageError(
            problem, hint="repair it; the file was not touched", code="settings_broken"
        )
    if TCP_URL in hosts:
        return settings
    if taken := [each for each in hosts if str(each).endswith(":2375")]:
        raise UsageError(
            f'{path}: "hosts" holds {taken[0]}, which may be open to others',
            hint=f"replace it by {TCP_URL}; the file was not touched",
            code="tcp_api_open",
        )
    return {**settings, "hosts": [*hosts, TCP_URL]}


def desktop_tcp_api(host: Host) -> Fix:
    """Set the documented switch of Docker Desktop for Windows and restart it.

    Docker Desktop for Mac and Linux documents no such switch for every version, so there is no
    fix for them; the socket is enough for os2.
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
        progress.notice(f"the settings as they were: {backup}")


def _restart(host: Host, progress: Progress, argv: tuple[str, ...], product: str) -> None:
    if host.commands.find(argv[0]) is None:
        progress.warn(f"{argv[0]} is not on the PATH: restart {product} yourself")
        return
    progress.status(f"restart {product}")
    host.commands.check(argv, timeout=_RESTART_SECONDS, on_line=progress.log)
