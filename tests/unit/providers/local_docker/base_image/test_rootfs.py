"""The first stage: packages become one archive on a merged /usr, without duplicates."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.providers.local_docker.base_image.rootfs import STAGING, File, first_stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="only Debian hosts build a base from packages"
)


def package(folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """Build a package with ``files``; a value that starts with ``->`` is a symbolic link."""
    tree = folder / f"{name}.tree"
    control = tree / "DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.example>\n"
        "Description: a test\n"
    )
    control.parent.chmod(0o755)
    for path, content in files.items():
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("->"):
            target.symlink_to(content[2:])
        else:
            target.write_text(content)
    built = folder / f"{name}_1_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(built)]
    subprocess.run(command, check=True, capture_output=True)
    return built


def archive(packages: Sequence[Path], files: Sequence[File] = ()) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(first_stage(packages, files))))


def test_files_move_below_a_merged_usr(tmp_path: Path) -> None:
    split = package(tmp_path, "split", {"bin/sh": "shell", "lib/x.so": "x", "etc/a": "a"})
    merged = package(tmp_path, "merged", {"usr/bin/tool": "tool", "usr/sbin/daemon": "d"})
    with archive([merged, split]) as made:
        names = made.getnames()
        assert {"usr/bin/sh", "usr/lib/x.so", "usr/bin/tool", "etc/a"} <= set(names)
        assert not [name for name in names if name.startswith(("bin/", "lib/", "./"))]
        assert made.getmember("bin").linkname == "usr/bin"
        assert made.getmember("lib").linkname == "usr/lib"
        assert len(names) == len(set(names))


def test_a_package_that_ships_the_links_adds_no_duplicate(tmp_path: Path) -> None:
    base = package(tmp_path, "base-files", {"bin": "->usr/bin", "usr/bin/x": "x"})
    with archive([base]) as made:
        assert made.getnames().count("bin") == 1
        assert made.getmember("bin").linkname == "usr/bin"


def test_documentation_stays_out_but_the_packages_come_along(tmp_path: Path) -> None:
    docs = {"usr/share/doc/a/README": "r", "usr/share/man/man1/a.1": "m", "usr/share/docs": "d"}
    built = package(tmp_path, "docs", docs)
    with archive([built]) as made:
        names = made.getnames()
        assert "usr/share/docs" in names
        assert not [name for name in names if name.startswith(("usr/share/doc/", "usr/share/man"))]
        content = made.extractfile(f"{STAGING}/{built.name}")
        assert content is not None
        assert content.read() == built.read_bytes()


def test_base_files_decides_the_modes_of_folders(tmp_path: Path) -> None:
    other = package(tmp_path, "a-first", {"tmp/x": ""})
    (tmp_path / "base-files.tree/tmp").mkdir(parents=True)
    (tmp_path / "base-files.tree/tmp").chmod(0o1777)
    base = package(tmp_path, "base-files", {"etc/motd": ""})
    with archive([other, base]) as made:
        assert made.getmember("tmp").mode == 0o1777


def test_files_of_ours_belong_to_root(tmp_path: Path) -> None:
    built = package(tmp_path, "one", {"etc/a": "theirs"})
    with archive([built], [File("etc/a", b"ours"), File("run.sh", b"#!", 0o755)]) as made:
        assert made.getmember("run.sh").mode == 0o755
        assert made.getmember("run.sh").uid == 0
        assert made.getnames().count("etc/a") == 1


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken_1_all.deb"
    broken.write_bytes(b"not a package")
    with pytest.raises(OperationFailed, match="package broken_1_all") as failure:
        list(first_stage([broken], []))
    assert failure.value.code == "base_unavailable"
