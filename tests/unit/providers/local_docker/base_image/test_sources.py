"""The host's APT sources: the distribution's own are found in each format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from os2cli.providers.local_docker.base_image.apt_sources import (
    AptSource,
    deb822,
    distribution_sources,
)
from os2cli.providers.local_docker.base_image.distribution import (
    Distribution,
    debian_architecture,
    host_distribution,
)

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN = Distribution("debian", "bookworm")
UBUNTU = Distribution("ubuntu", "noble")
ARCHIVE = "http://mirror.example/debian"
INLINE_KEY = """
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 /9j4AAQSkZJRgABAQ
 -----END PGP PUBLIC KEY BLOCK-----"""


def put(root: Path, name: str, text: str) -> None:
    path = root / "etc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(root: Path, distribution: Distribution = DEBIAN) -> tuple[AptSource, ...]:
    return distribution_sources(root, distribution, "amd64")


def test_one_line_entries_with_options(tmp_path: Path) -> None:
    put(
        tmp_path,
        "apt/sources.list",
        f"# deb {ARCHIVE} bookworm main\n"
        f"deb [arch=amd64,arm64 signed-by=/keys/a.gpg] {ARCHIVE}  bookworm main contrib # ours\n"
        f"deb-src {ARCHIVE} bookworm main\n"
        f"deb [ check-valid-until=no ] {ARCHIVE} bookworm-updates main\n"
        f"deb\t{ARCHIVE}-security\tbookworm-security\tmain\n",
    )
    assert read(tmp_path) == (
        AptSource(ARCHIVE, ("bookworm",), ("main",), "/keys/a.gpg"),
        AptSource(ARCHIVE, ("bookworm-updates",), ("main",), "", (("Check-Valid-Until", "no"),)),
        AptSource(f"{ARCHIVE}-security", ("bookworm-security",), ("main",)),
    )


def test_deb822_stanzas_with_comments_and_several_values(tmp_path: Path) -> None:
    put(
        tmp_path,
        "apt/sources.list.d/debian.sources",
        f"Types: deb deb-src\n# a snapshot\nURIs: {ARCHIVE} https://other.example/debian\n"
        "Suites: bookworm bookworm-updates bookworm-backports\nComponents: main non-free\n"
        "Signed-By: /keys/a.gpg\n\n\n"
        f"Enabled: no\nTypes: deb\nURIs: {ARCHIVE}-security\nSuites: bookworm-security\n"
        "Components: main\n",
    )
    suites = ("bookworm", "bookworm-updates")
    assert read(tmp_path) == (
        AptSource(ARCHIVE, suites, ("main",), "/keys/a.gpg"),
        AptSource("https://other.example/debian", suites, ("main",), "/keys/a.gpg"),
    )


@pytest.mark.parametrize(
    "line",
    [
        "deb https://engine.example/linux/debian bookworm stable",
        "deb https://database.example/pub bookworm-pgdg main",
        "deb https://node.example/node_20.x nodistro main",
        f"deb {ARCHIVE} trixie main",
        f"deb {ARCHIVE} ./",
        f"deb {ARCHIVE}",
        f"deb [arch=arm64] {ARCHIVE} bookworm main",
        "deb cdrom:[Debian_12]/ bookworm main",
        "deb file:/srv/debian bookworm main",
    ],
)
def test_what_is_foreign_or_out_of_a_container_s_reach_is_left_out(
    tmp_path: Path, line: str
) -> None:
    put(tmp_path, "apt/sources.list.d/other.list", line + "\n")
    assert read(tmp_path) == ()


def test_files_that_apt_ignores_are_ignored(tmp_path: Path) -> None:
    put(tmp_path, "apt/sources.list.d/a.list.disabled", f"deb {ARCHIVE} bookworm main\n")
    assert read(tmp_path) == ()


def test_ubuntu_needs_universe_too(tmp_path: Path) -> None:
    put(tmp_path, "apt/sources.list", f"deb {ARCHIVE} noble main restricted universe\n")
    assert read(tmp_path, UBUNTU) == (AptSource(ARCHIVE, ("noble",), ("main", "universe")),)


def test_a_mirror_list_of_the_host_is_opened(tmp_path: Path) -> None:
    put(tmp_path, "apt/mirrors/debian.list", f"# chosen\n{ARCHIVE}\tpriority:1\n\n")
    put(
        tmp_path,
        "apt/sources.list",
        "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n"
        "deb mirror+file:/etc/apt/mirrors/gone.list bookworm main\n",
    )
    assert read(tmp_path) == (AptSource(ARCHIVE, ("bookworm",), ("main",)),)


def test_an_inline_key_survives_and_names_no_file(tmp_path: Path) -> None:
    put(
        tmp_path,
        "apt/sources.list.d/debian.sources",
        f"Types: deb\nURIs: {ARCHIVE}\nSuites: bookworm\nComponents: main\n"
        f"Signed-By:{INLINE_KEY}\n",
    )
    (source,) = read(tmp_path)
    assert source.key_files == ()
    put(tmp_path / "again", "apt/sources.list.d/debian.sources", deb822([source]))
    assert read(tmp_path / "again") == (source,)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    sources = (
        AptSource(ARCHIVE, ("bookworm", "bookworm-updates"), ("main",), "/keys/a.gpg"),
        AptSource(
            f"{ARCHIVE}-security", ("bookworm/updates",), ("main",), "", (("Trusted", "yes"),)
        ),
    )
    text = deb822(sources, Targets="Packages")
    assert text.count("Targets: Packages\n") == 2
    put(tmp_path, "apt/sources.list.d/debian.sources", text)
    assert read(tmp_path) == sources
    assert sources[0].key_files == ("/keys/a.gpg",)


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        ('ID=debian\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n', DEBIAN),
        ('ID="ubuntu"\nID_LIKE=debian\nVERSION_CODENAME="noble"\n', UBUNTU),
        ("ID=linuxmint\nID_LIKE=ubuntu\nVERSION_CODENAME=wilma\n", None),
        ("ID=fedora\nVERSION_ID=41\n", None),
        ("ID=debian\n", None),
        ("", None),
    ],
)
def test_the_distribution_of_the_host(
    tmp_path: Path, os_release: str, expected: Distribution | None
) -> None:
    put(tmp_path, "os-release", os_release)
    assert host_distribution(tmp_path) == expected


def test_a_host_without_os_release_has_no_distribution(tmp_path: Path) -> None:
    assert host_distribution(tmp_path) is None


def test_architectures_are_translated() -> None:
    assert debian_architecture("amd64") == "amd64"
    assert debian_architecture("aarch64") == "arm64"
    assert debian_architecture("wasm") is None
