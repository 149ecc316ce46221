"""The addresses that an engine listens at: ``hosts`` in its settings, ``-H`` among its options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from os2cli.core.errors import UsageError

UNIX_URL = "unix:///var/run/docker.sock"  # what an engine listens at without any
_SEPARATE = ("-H", "--host")
_JOINED = ("--host=", "-H=", "-H")


def add_host(settings: dict[str, object], path: Path, url: str) -> dict[str, object]:
    """Return the settings of an engine with ``url`` among its ``hosts``.

    Raises:
        UsageError: ``hosts`` is not a list, or opens the port to other hosts.
    """
    hosts = _hosts(settings, path, [UNIX_URL])
    if url in hosts:
        return settings
    _reject_open_port(hosts, url, f'{path}: "hosts" has', "os2 did not change the file")
    return {**settings, "hosts": [*hosts, url]}


def drop_host(settings: dict[str, object], path: Path, url: str) -> dict[str, object]:
    """Return the settings without ``url``; raise ``UsageError`` if ``hosts`` is not a list."""
    rest = [host for host in _hosts(settings, path, []) if host != url]
    others = {key: value for key, value in settings.items() if key != "hosts"}
    return {**others, "hosts": rest} if rest else others


def _hosts(settings: dict[str, object], path: Path, default: list[str]) -> list[str]:
    hosts = settings.get("hosts", default)
    if isinstance(hosts, list):
        return [str(host) for host in hosts]
    problem = f'{path}: "hosts" is not a list'
    raise UsageError(problem, hint="fix the file; os2 did not change it", code="settings_broken")


def add_option(options: Sequence[str], url: str, socket: str, where: str) -> list[str]:
    """Return dockerd's options with ``url``; any ``-H`` replaces the default ``socket``.

    Raises:
        UsageError: they open the port to other hosts.
    """
    urls = [each for each, _ in _addresses(options) if each]
    if url in urls:
        return list(options)
    _reject_open_port(urls, url, f"{where} listens at", "os2 did not change it")
    return [*options, *(() if urls else ("-H", socket)), "-H", url]


def drop_option(options: Sequence[str], url: str) -> list[str]:
    """Return dockerd's options without ``url``."""
    return [word for each, words in _addresses(options) if each != url for word in words]


def socket_of(options: Sequence[str], default: str) -> str:
    """Return the first Unix socket among dockerd's options, else ``default``."""
    urls = (url for url, _ in _addresses(options))
    return next((url for url in urls if url.startswith("unix://")), default)


def _addresses(options: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each option's words, with the address if it names one, else an empty text."""
    words = iter(options)
    for word in words:
        if word in _SEPARATE:
            value = next(words, "")
            yield value, (word, value)
        else:
            joined = next((mark for mark in _JOINED if word.startswith(mark)), None)
            yield ("" if joined is None else word.removeprefix(joined)), (word,)


def _reject_open_port(urls: Sequence[str], url: str, where: str, unchanged: str) -> None:
    port = url.rpartition(":")[2]
    others = [each for each in urls if each.startswith("tcp://") and each.endswith(f":{port}")]
    if others:
        raise UsageError(
            f"{where} {others[0]}, which may be open to other hosts",
            hint=f"replace it with {url}; {unchanged}",
            code="tcp_api_open",
        )
