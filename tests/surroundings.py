"""Environments, and states on disk, that must not matter to a command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.analytics import KEY

NOT_UTF8 = "\udcff\udc80"
ADDRESSES = (
    " ", "x", "http://", "http://[::1", "http://127.0.0.1:99999", "ftp://127.0.0.1", "//x",
    "http://a b", "http://user:password@127.0.0.1:9", "http://127.0.0.1:9/?a#b", "http://é.☃",
    "http://" + "a" * 300, "http://x_y.invalid", "http://127.0.0.1:9/" + "a" * 5000, NOT_UTF8,
    "http://" + NOT_UTF8, "javascript:alert(1)",
)  # fmt: skip
TEXTS = (" ", "é☃", "a\nb", "\x1b[31m", "x" * 100_000, NOT_UTF8, "{}", "null", "0", "me@x.example")
VALUES: Mapping[str, tuple[str, ...]] = {
    "POSTHOG_KEY": TEXTS,
    "POSTHOG_HOST": ADDRESSES,
    "VITE_POSTHOG_PUBLIC_KEY": TEXTS,
    "VITE_POSTHOG_PROXY_URI": (*ADDRESSES, "/machines", "/", "/..", "/{x}", "/\n"),
    "VITE_APP_STAGE": TEXTS,
    "OS2_ORGANIZATION": TEXTS,
    "OS2_PROJECT": TEXTS,
    "OS2_EMAIL": TEXTS,
    "OS2_TELEMETRY": ("1", "yes", *TEXTS),
    "DO_NOT_TRACK": ("0", "no", *TEXTS),
    "ITERATE_USER": ("null", "unknown", "x" * 100, "me@x.example", NOT_UTF8),
    "SSL_CERT_FILE": ("/nowhere", "/dev/null"),
    "HTTPS_PROXY": ("nonsense://x:y", "127.0.0.1:9", "http://[", NOT_UTF8),
    "PYTHONPATH": (NOT_UTF8, "/nowhere"),
    "LANG": ("C", "nonsense", NOT_UTF8),
}
STATE_FOLDERS = (
    "", "relative", "/dev/null/x", "/proc/x", "/" + "x" * 300, "/nowhere", f"/tmp/{NOT_UTF8}",
)  # fmt: skip
# The folder of analytics itself, and what is in it.
PLACES = ("", "id", "choice", "noticed", "spool", "told", "delivery.lock", "attempts.json")
ON = {"POSTHOG_KEY": KEY, "VITE_POSTHOG_PUBLIC_KEY": KEY, "POSTHOG_HOST": "http://127.0.0.1:9"}
Break = Callable[[Path], None]


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\xfe[[[[" * 1000)


def events_that_are_none(path: Path) -> None:
    path.mkdir()
    for number in range(3):
        name = f"{number:020d}-{'0' * 36}-{'0' * 16}.json"
        (path / name).write_bytes(b"\xff{")
        os.mkfifo(path / f"{number:020d}-{'1' * 36}-{'0' * 16}.json")


BREAKS: tuple[Break, ...] = (Path.touch, Path.mkdir, os.mkfifo, link_to_itself, garbage)


@dataclass(frozen=True)
class Surroundings:
    """Variables, and what is wrong in the folder of analytics."""

    name: str
    variables: Mapping[str, str]
    place: str | None = None
    spoil: Break | None = None

    def arrange(self, state: Path) -> dict[str, str]:
        """Spoil the state below a new folder; return the environment."""
        if self.place is not None and self.spoil is not None:
            folder = state / "os2" / "analytics"
            (folder if self.place else folder.parent).mkdir(parents=True)
            self.spoil(folder / self.place if self.place else folder)
        return {**ON, "XDG_STATE_HOME": str(state), **self.variables}


def _all() -> Iterator[Surroundings]:
    yield Surroundings("good", {})
    for name, values in VALUES.items():
        for value in values:
            yield Surroundings(f"{name}={value[:20]!r}", {name: value})
    for folder in STATE_FOLDERS:
        yield Surroundings(f"XDG_STATE_HOME={folder[:20]!r}", {"XDG_STATE_HOME": folder})
    for place in PLACES:
        for spoil in BREAKS:
            yield Surroundings(f"{place or 'folder'} {spoil.__name__}", {}, place, spoil)
    yield Surroundings("events that are none", {}, "spool", events_that_are_none)


SURROUNDINGS = tuple(_all())
