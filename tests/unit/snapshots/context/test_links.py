"""A context of files only: links become their targets, and losses are reported."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed
from os2cli.snapshots.context import (
    BuildContext,
    ContextEntry,
    EntryKind,
    collect,
    links,
    without_links,
)
from tests.unit.snapshots.context.conftest import DOCKERFILE, write


def plant(root: Path, targets: dict[str, str]) -> Path:
    """Make links below ``root`` (path: target)."""
    for path, target in targets.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    return root


def flat(root: Path) -> BuildContext:
    return without_links(collect(root, Path("Dockerfile")))


def unpacked(context: BuildContext) -> dict[str, tuple[int, bytes]]:
    """Mode and content of each file in the tar, which holds nothing else."""
    files = {}
    stream = io.BytesIO(b"".join(context.stream()))
    with tarfile.open(fileobj=stream, errors="surrogateescape") as tar:
        for member in tar:
            assert member.isreg()
            content = tar.extractfile(member)
            assert content is not None
            files[member.name] = (member.mode, content.read())
    return files


def contents(root: Path) -> dict[str, str]:
    files = unpacked(flat(root))
    return {path: content.decode() for path, (_, content) in files.items() if path != "Dockerfile"}


def test_a_link_to_a_file_becomes_that_file(folder: Path) -> None:
    write(folder, {"bin/run": "#!/bin/sh\n"}).joinpath("bin/run").chmod(0o755)
    plant(folder, {"start": "bin/run"})

    context = flat(folder)

    assert unpacked(context)["start"] == (0o755, b"#!/bin/sh\n")
    assert context.size_bytes == len(DOCKERFILE) + 2 * len("#!/bin/sh\n")
    assert context.unkept == ()


def test_a_link_to_a_folder_becomes_what_is_in_it(folder: Path) -> None:
    write(folder, {"src/a": "1", "src/deep/b": "2"})
    plant(folder, {"app/lib": "../src", "src/deep/c": "../a"})

    assert contents(folder) == {
        "app/lib/a": "1",
        "app/lib/deep/b": "2",
        "app/lib/deep/c": "1",
        "src/a": "1",
        "src/deep/b": "2",
        "src/deep/c": "1",
    }


def test_links_lead_on_and_through_other_links(folder: Path) -> None:
    write(folder, {"v1/f": "1"})
    plant(folder, {"current": "v1", "latest": "./current/", "f": "latest/../v1//f", "g": "f"})

    found = contents(folder)

    assert found == {"v1/f": "1", "current/f": "1", "latest/f": "1", "f": "1", "g": "1"}


def test_two_dots_after_a_link_go_up_from_where_it_leads(folder: Path) -> None:
    write(folder, {"a/b/c": "", "a/f": "right", "f": "wrong"})
    plant(folder, {"in": "a/b", "x": "in/../f"})

    assert contents(folder)["x"] == "right"


def test_entries_stay_sorted_by_bytes_and_files_stay_equal(folder: Path) -> None:
    write(folder, {"a/x": "1", "a-b": "2", "é": "3"})
    plant(folder, {"a.link": "a"})
    before = collect(folder, Path("Dockerfile"))

    context = without_links(before)

    assert [entry.path for entry in context.entries] == [
        "Dockerfile", "a-b", "a.link/x", "a/x", "é",
    ]  # fmt: skip
    assert {entry.kind for entry in context.entries} == {EntryKind.FILE}
    assert set(context.entries) & set(before.entries) == {
        entry for entry in before.entries if entry.kind is EntryKind.FILE
    }


def test_the_dockerfile_stays(folder: Path) -> None:
    write(folder, {"docker/real": "FROM real"})
    plant(folder, {"link": "docker/real"})

    context = without_links(collect(folder, Path("link")))

    assert (context.dockerfile, context.dockerfile_text) == ("docker/real", "FROM real")


def test_the_digest_is_that_of_the_same_tree_in_files(folder: Path, tmp_path: Path) -> None:
    write(folder, {"d/f": "1"})
    plant(folder, {"link": "d"})
    copied = write(tmp_path / "copied", {"Dockerfile": DOCKERFILE, "d/f": "1", "link/f": "1"})

    assert flat(folder).digest() == flat(copied).digest()
    assert flat(folder).digest() != collect(folder, Path("Dockerfile")).digest()


def test_without_anything_to_replace_it_is_the_same(folder: Path) -> None:
    write(folder, {"a/b": "1"})
    context = flat(folder)

    assert without_links(context) == context


def test_names_that_are_not_utf8_are_kept(folder: Path) -> None:
    write(folder, {os.fsdecode(b"caf\xe9/f"): "1"})
    plant(folder, {"link": os.fsdecode(b"caf\xe9")})

    assert contents(folder) == {"caf\udce9/f": "1", "link/f": "1"}


@pytest.mark.parametrize(
    ("path", "target", "reason"),
    [
        ("out", "../secrets", "leaves the build context"),
        ("d/out", "../../folder/d/f", "leaves the build context"),
        ("absolute", "/etc/hostname", "leaves the build context"),
        ("dangling", "nowhere", "leads to what is not in the build context"),
        ("ignored", "private/key", "leads to what is not in the build context"),
        ("below", "d/f/x", "leads to what is not in the build context"),
        ("slash", "d/f/", "leads to what is not in the build context"),
        ("dots", "d/f/..", "leads to what is not in the build context"),
        ("itself", "itself", "leads back to itself or through more than 40 links"),
        ("d/up", "..", "leads to a directory that it lies in"),
        ("d/here", ".", "leads to a directory that it lies in"),
        ("d/e/up", "../../d", "leads to a directory that it lies in"),
        ("nothing", "empty", "leads to an empty directory"),
    ],
)
def test_a_link_that_is_left_out_is_reported(
    folder: Path, path: str, target: str, reason: str
) -> None:
    write(folder, {"d/f": "1", "private/key": "1", ".dockerignore": "private\n"})
    write(folder.parent, {"secrets": "1"})
    (folder / "empty").mkdir()
    plant(folder, {path: target})

    context = flat(folder)

    assert [entry.path for entry in context.entries] == [".dockerignore", "Dockerfile", "d/f"]
    assert context.unkept == tuple(
        sorted(
            [
                f"{path} is a link that {reason} ({target}): Daytona's builder cannot keep it",
                "empty is an empty directory: Daytona's builder cannot keep it",
            ]
        )
    )


def test_what_could_not_be_sent_anyway_is_still_told(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    plant(folder, {"a": "b"})

    first, second = flat(folder).unkept

    assert first == "fifo is a fifo: not sent"
    assert second.startswith("a is a link")


def test_only_empty_folders_are_reported(folder: Path) -> None:
    (folder / "a" / "b" / "c").mkdir(parents=True)
    plant(folder, {"link": "a"})

    assert flat(folder).unkept == ("a/b/c is an empty directory: Daytona's builder cannot keep it",)


def test_a_chain_longer_than_linux_follows_is_cut(folder: Path) -> None:
    write(folder, {"0": "end"})
    plant(folder, {str(number): str(number - 1) for number in range(1, 100)})

    context = flat(folder)

    assert set(contents(folder)) == {str(number) for number in range(41)}
    assert len(context.unkept) == 100 - 41
    assert context.unkept[-1].startswith(
        "99 is a link that leads back to itself or through more than 40 links (98): "
    )


def test_links_between_two_folders_are_followed_once(folder: Path) -> None:
    write(folder, {"a/f": "1", "b/g": "2"})
    plant(folder, {"a/to-b": "../b", "b/to-a": "../a"})

    assert contents(folder) == {
        "a/f": "1", "a/to-b/g": "2", "b/g": "2", "b/to-a/f": "1",
    }  # fmt: skip
    assert flat(folder).unkept == (
        "a/to-b/to-a is a link that leads to a directory that it lies in (../a):"
        " Daytona's builder cannot keep it",
        "b/to-a/to-b is a link that leads to a directory that it lies in (../b):"
        " Daytona's builder cannot keep it",
    )


def test_a_link_to_the_root_takes_no_other_link_with_it(folder: Path) -> None:
    write(folder, {"d/f": "1"})
    plant(folder, {"self": ".", "other": "d"})

    assert contents(folder) == {"d/f": "1", "other/f": "1"}
    assert len(flat(folder).unkept) == 1


def test_a_lost_link_is_reported_once_by_its_own_path(folder: Path) -> None:
    write(folder, {"z/f": "1"})
    plant(folder, {"a": "z", "b": "z", "z/up": "../z", "z/gone": "nowhere"})

    assert [note.split(" is ")[0] for note in flat(folder).unkept] == ["z/gone", "z/up"]


@pytest.mark.parametrize("bottom", [{"d0/f": "1"}, {"d0/e/.ignored": "1"}])
def test_links_that_multiply_are_refused(
    folder: Path, bottom: dict[str, str | bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_COPIES", 2_000)
    write(folder, {**bottom, ".dockerignore": "**/.ignored"})
    for number in range(1, 40):
        below = f"../d{number - 1}"
        plant(folder, {f"d{number}/one": below, f"d{number}/two": below})

    with pytest.raises(OperationFailed, match="more than 2,000 files") as raised:
        flat(folder)

    assert ".dockerignore" in (raised.value.hint or "")
    assert raised.value.code == "too_many_links"


def test_a_large_tree_without_links_is_not_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_COPIES", 10)
    write(folder, {f"d/{number}": "" for number in range(100)})
    plant(folder, {f"link{number}": "d/1" for number in range(100)})

    assert len(flat(folder).entries) == 201


def test_a_deep_tree_is_walked(folder: Path) -> None:
    deep = "d/" * 2000 + "f"
    entries = (
        ContextEntry(deep, EntryKind.FILE, 0o644, 1),
        ContextEntry("link", EntryKind.LINK, 0o777, target="d/d"),
    )

    context = without_links(BuildContext(folder, "Dockerfile", entries))

    assert [(entry.path, entry.source) for entry in context.entries] == [
        (deep, None),
        (f"link{deep[3:]}", deep),
    ]


def test_a_changed_file_is_named_as_it_lies_on_disk(folder: Path) -> None:
    write(folder, {"d/f": "1"})
    plant(folder, {"a": "d/f"})
    context = flat(folder)
    write(folder, {"d/f": "22"})

    with pytest.raises(OperationFailed, match="d/f changed while it was being sent"):
        context.digest()


# ------------------------------------------------------------------ the kernel as an oracle

FOLDERS = st.sampled_from(["", "a/", "a/b/", "a/b/c/", "b/", "b/d/", "ignored/", "b/ignored/"])
FILES = st.tuples(FOLDERS, st.sampled_from("fg")).map("".join)
PLACES = st.tuples(FOLDERS, st.sampled_from("xyz")).map("".join)
STEPS = st.lists(st.sampled_from(["a", "b", "c", "x", "y", "f", "..", ".", ""]), min_size=1)


@st.composite
def link_trees(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str]]:
    """Contents of files and targets of links, most of which lead to something."""
    files = draw(st.dictionaries(FILES, st.text("xyz", max_size=3), min_size=1, max_size=6))
    places = draw(st.lists(PLACES, min_size=1, max_size=6, unique=True))
    there = sorted({*files, *places, *(path.rpartition("/")[0] for path in [*files, *places])})
    targets: dict[str, str] = {}
    for place in places:
        near = os.path.relpath("/" + draw(st.sampled_from(there)), f"/{place}/..")
        near += draw(st.sampled_from(["", "", "", "/", "/../f"]))
        targets[place] = draw(st.sampled_from([near, near, draw(STEPS.map("/".join)) or "."]))
    return files, targets


def leads_to(root: Path, link: Path) -> Path | None:
    """Where the kernel comes by that link, if that is inside."""
    try:
        link.stat()
    except OSError:
        return None
    there = Path(os.path.realpath(link))
    return there if there.is_relative_to(root) else None


def seen(root: Path, folder: Path, path: str, through: tuple[Path, ...]) -> dict[str, Path]:
    """All files that a walk along links meets, until a link leads above a folder on its way."""
    files: dict[str, Path] = {}
    for place in folder.iterdir():
        there, way = place, through
        if place.is_symlink():
            found, way = leads_to(root, place), (*through, folder)
            if found is None or any(step.is_relative_to(found) for step in way):
                continue
            there = found
        if there.is_dir():
            files |= seen(root, there, f"{path}{place.name}/", way)
        else:
            files[path + place.name] = there
    return files


@settings(max_examples=200)
@given(tree=link_trees())
def test_the_same_files_as_a_walk_along_the_links(
    tmp_path_factory: pytest.TempPathFactory, tree: tuple[dict[str, str], dict[str, str]]
) -> None:
    files, targets = tree
    root = tmp_path_factory.mktemp("tree") / "root"
    write(root, {"Dockerfile": DOCKERFILE, ".dockerignore": "**/ignored\n", **files})
    plant(root, targets)
    for path in files:
        (root / path).chmod(0o755 if path.endswith("g") else 0o644)

    context = flat(root)

    for place in [place for place in root.rglob("*") if place.name == "ignored"]:
        # A link that leads through what is not sent leads nowhere.
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    expected = seen(root, root, "", ())
    assert unpacked(context) == {
        path: (place.stat().st_mode & 0o777, place.read_bytes()) for path, place in expected.items()
    }
    lost = {
        place.relative_to(root).as_posix()
        for place in root.rglob("*")
        if place.is_symlink() and leads_to(root, place) is None
    }
    assert lost <= {note.split(" is a link")[0] for note in context.unkept}
    copied = any(entry.source for entry in context.entries)
    event(f"copies: {copied}, notes: {bool(context.unkept)}")
