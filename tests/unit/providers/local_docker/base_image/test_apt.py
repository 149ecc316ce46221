"""The host's APT with private state, against archives on loopback."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import SILENT, Progress
from os2cli.providers.local_docker.base_image.apt_packages import PrivateApt
from os2cli.providers.local_docker.base_image.apt_sources import AptSource
from tests.serving import HOST, Quiet, http_server

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="only Debian hosts build a base from packages"
)

ESSENTIAL = {"apt": "no", "base-files": "yes", "dpkg": "yes", "sed": "yes", "games": "no"}


class _Files(Quiet, SimpleHTTPRequestHandler):
    """Serves the files of a folder."""


@pytest.fixture
def archives(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Yield a directory and the URL at which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_Files, directory=str(folder))
    with http_server(handler) as port:
        yield folder, f"http://{HOST}:{port}"


def publish(folder: Path, origin: str, essential: Mapping[str, str]) -> None:
    """Write an unsigned archive of empty packages, each essential or not."""
    index = ""
    for name, is_essential in essential.items():
        file = package(folder, name, is_essential)
        content = file.read_bytes()
        index += (
            f"Package: {name}\nVersion: 1:2\nArchitecture: all\nEssential: {is_essential}\n"
            f"Filename: {file.name}\nSize: {len(content)}\n"
            f"SHA256: {sha256(content).hexdigest()}\n\n"
        )
    packages = folder / "dists/here/main/binary-amd64/Packages"
    packages.parent.mkdir(parents=True)
    packages.write_text(index)
    digest = sha256(index.encode()).hexdigest()
    (folder / "dists/here/Release").write_text(
        f"Origin: {origin}\nSuite: here\nCodename: here\nArchitectures: amd64\nComponents: main\n"
        f"SHA256:\n {digest} {len(index)} main/binary-amd64/Packages\n"
    )


def package(folder: Path, name: str, essential: str) -> Path:
    control = folder / f"{name}.tree/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.parent.chmod(0o755)
    control.write_text(
        f"Package: {name}\nVersion: 1:2\nArchitecture: all\nEssential: {essential}\n"
        "Maintainer: a <a@b.example>\nDescription: a test\n"
    )
    built = folder / f"{name}.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(control.parents[1]), str(built)]
    subprocess.run(command, check=True, capture_output=True)
    return built


def source(url: str, name: str) -> AptSource:
    return AptSource(f"{url}/{name}", ("here",), ("main",), "", (("Trusted", "yes"),))


def private(tmp_path: Path, name: str = "apt", progress: Progress = SILENT) -> PrivateApt:
    return PrivateApt(tmp_path / name, "amd64", progress)


def test_a_foreign_archive_with_the_same_suite_is_left_out(
    tmp_path: Path, archives: tuple[Path, str]
) -> None:
    folder, url = archives
    publish(folder / "ours", "Debian", ESSENTIAL)
    publish(folder / "theirs", "Somebody", {"cuckoo": "yes"})
    ours, theirs = source(url, "ours"), source(url, "theirs")
    apt = private(tmp_path)
    assert apt.update([ours, theirs], "Debian") == (ours,)
    names = [path.name for path in apt.download(tmp_path / "cache")]
    assert names == [f"{name}_1%3a2_all.deb" for name in ("apt", "base-files", "dpkg", "sed")]


def test_a_mirror_that_gave_itself_another_name_is_taken(
    tmp_path: Path, archives: tuple[Path, str]
) -> None:
    folder, url = archives
    publish(folder / "mirror", "Company", ESSENTIAL)
    sources = (source(url, "mirror"),)
    assert private(tmp_path).update(sources, "Debian") == sources


def test_downloads_are_kept_verified_and_replaced(
    tmp_path: Path, archives: tuple[Path, str]
) -> None:
    folder, url = archives
    publish(folder / "ours", "Debian", ESSENTIAL)
    cache = tmp_path / "cache"
    first = private(tmp_path, "first")
    first.update([source(url, "ours")], "Debian")
    first.download(cache)
    good = (cache / "sed_1%3a2_all.deb").read_bytes()
    (cache / "sed_1%3a2_all.deb").write_bytes(bytes(len(good)))
    for name in ("apt", "base-files", "dpkg"):
        (folder / f"ours/{name}.deb").unlink()
    second = private(tmp_path, "second")
    second.update([source(url, "ours")], "Debian")
    taken = {path.name: path.read_bytes() for path in second.download(cache)}
    assert taken["sed_1%3a2_all.deb"] == good
    assert (cache / "sed_1%3a2_all.deb").read_bytes() == good
    assert len(taken) == 4


def test_a_cache_that_cannot_be_written_is_ignored(
    tmp_path: Path, archives: tuple[Path, str]
) -> None:
    folder, url = archives
    publish(folder / "ours", "Debian", ESSENTIAL)
    (tmp_path / "file").touch()
    apt = private(tmp_path)
    apt.update([source(url, "ours")], "Debian")
    assert len(apt.download(tmp_path / "file/cache")) == 4


def test_an_archive_without_the_system_is_reported(
    tmp_path: Path, archives: tuple[Path, str]
) -> None:
    folder, url = archives
    publish(folder / "ours", "Debian", {"sed": "yes"})
    apt = private(tmp_path)
    apt.update([source(url, "ours")], "Debian")
    with pytest.raises(OperationFailed, match="does not offer apt, base-files, dpkg") as failure:
        apt.download(tmp_path / "cache")
    assert failure.value.code == "base_unavailable"


def test_a_package_that_changed_on_the_way_is_refused(
    tmp_path: Path, archives: tuple[Path, str]
) -> None:
    folder, url = archives
    publish(folder / "ours", "Debian", ESSENTIAL)
    (folder / "ours/sed.deb").write_bytes(bytes((folder / "ours/sed.deb").stat().st_size))
    apt = private(tmp_path)
    apt.update([source(url, "ours")], "Debian")
    with pytest.raises(OperationFailed, match="sed") as failure:
        apt.download(tmp_path / "cache")
    assert failure.value.code == "base_unavailable"
    assert not list((tmp_path / "cache").glob("sed*"))
