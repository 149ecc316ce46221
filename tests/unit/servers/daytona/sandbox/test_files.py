"""Files of a sandbox without a container, which are files of this host."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.daytona_server import DaytonaServer

BINARY = bytes(range(256)) * 10


@pytest.fixture
def files(toolbox: str) -> str:
    """Where they are."""
    return f"{toolbox}/files"


@pytest.fixture
def tmp(server: DaytonaServer, api: httpx.Client) -> Path:
    """Return a directory of the sandbox, in which there is nothing."""
    folder = server.home("one") / "tmp"
    folder.mkdir()
    return folder


def put(api: httpx.Client, files: str, path: str, content: bytes = BINARY) -> None:
    """Upload a file."""
    answer = api.post(f"{files}/upload", params={"path": path}, files={"file": content})
    assert answer.status_code == 200, answer.text


def get(api: httpx.Client, files: str, path: str) -> httpx.Response:
    """Download a file."""
    return api.get(f"{files}/download", params={"path": path})


def bare(answer: httpx.Response) -> int:
    """Return the status of an answer that has nothing else."""
    assert (answer.content, answer.headers.get("content-type")) == (b"", None)
    return answer.status_code


def test_up_and_down(server: DaytonaServer, api: httpx.Client, files: str, tmp: Path) -> None:
    put(api, files, f"{tmp}/a b/ä")
    assert (tmp / "a b/ä").read_bytes() == BINARY
    answer = get(api, files, f"{tmp}/a b/ä")
    assert (answer.content, answer.headers["content-type"]) == (BINARY, "application/octet-stream")
    assert int(answer.headers["content-length"]) == len(BINARY)
    put(api, files, "relative", b"")
    assert get(api, files, f"{server.home('one')}/relative").content == b""


def test_what_comes_without_a_form(api: httpx.Client, files: str, tmp: Path) -> None:
    path = f"{tmp}/x"
    answer = api.post(f"{files}/upload-v2", params={"path": path}, content=BINARY)
    assert answer.json() == {"name": "x", "path": path, "type": "file"}
    assert get(api, files, path).content == BINARY


def test_several_at_once(api: httpx.Client, files: str, tmp: Path) -> None:
    form = {"files[0].path": f"{tmp}/a", "files[1].path": f"{tmp}/b"}
    content = {"files[0].file": ("a", b"one"), "files[1].file": ("b", b"two")}
    answer = api.post(f"{files}/bulk-upload", data=form, files=content)
    assert answer.json() == {
        "files": [{"path": f"{tmp}/a", "bytes": 3}, {"path": f"{tmp}/b", "bytes": 3}]
    }
    lost = {"files[0].file": ("a", b"one"), "files[1].file": ("b", b"two")}
    form = {"files[0].path": f"{tmp}/a/below"}
    answer = api.post(f"{files}/bulk-upload", data=form, files=lost)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        f"{tmp}/a/below: not a directory",
        "file[1]: missing .path metadata",
    ]
    body = api.post(f"{files}/bulk-download", json={"paths": [f"{tmp}/b", "/nope"]}).text
    assert f'name="file"; filename="{tmp}/b"' in body
    assert "\r\n\r\ntwo\r\n" in body
    assert 'name="error"; filename="/nope"' in body


def test_about_them(api: httpx.Client, files: str, tmp: Path) -> None:
    put(api, files, f"{tmp}/folder/file", b"12345")
    file = api.get(f"{files}/info", params={"path": f"{tmp}/folder/file"}).json()
    assert (file["name"], file["size"], file["isDir"]) == ("file", 5, False)
    owner = str((tmp / "folder/file").stat().st_uid)
    assert (file["mode"], file["permissions"], file["owner"]) == ("-rw-r--r--", "0644", owner)
    mode = {"path": f"{tmp}/folder/file", "mode": "755"}
    assert api.post(f"{files}/permissions", params=mode).status_code == 200
    folder = {"path": f"{tmp}/folder/sub", "mode": "700"}
    assert api.post(f"{files}/folder", params=folder).status_code == 201
    listed = api.get(files, params={"path": f"{tmp}/folder"}).json()
    assert [(each["name"], each["mode"]) for each in listed] == [
        ("file", "-rwxr-xr-x"),
        ("sub", "drwx------"),
    ]
    deep = api.get(files, params={"path": str(tmp), "depth": "2"}).json()
    assert [each["path"] for each in deep] == [
        f"{tmp}/folder",
        f"{tmp}/folder/file",
        f"{tmp}/folder/sub",
    ]


def test_move_and_delete(api: httpx.Client, files: str, tmp: Path) -> None:
    put(api, files, f"{tmp}/folder/file")
    move = {"source": f"{tmp}/folder", "destination": f"{tmp}/moved"}
    assert api.post(f"{files}/move", params=move).status_code == 200
    assert get(api, files, f"{tmp}/moved/file").content == BINARY
    moved = {"path": f"{tmp}/moved"}
    assert api.delete(files, params=moved).status_code == 400
    assert api.delete(files, params={**moved, "recursive": "true"}).status_code == 204
    assert get(api, files, f"{tmp}/moved/file").status_code == 404


def test_what_is_not_there(api: httpx.Client, files: str, tmp: Path) -> None:
    for answer in (
        get(api, files, "/nope"),
        api.get(f"{files}/info", params={"path": "/nope"}),
        api.get(files, params={"path": "/nope"}),
        api.delete(files, params={"path": "/nope"}),
    ):
        assert bare(answer) == 404
    assert bare(get(api, files, str(tmp))) == 400
    assert bare(get(api, files, "")) == 400
    assert bare(api.delete(files, params={"path": str(tmp)})) == 400
    into_folder = api.post(f"{files}/upload", params={"path": str(tmp)}, files={"file": b"x"})
    assert bare(into_folder) == 400


def test_where_paths_begin(server: DaytonaServer, api: httpx.Client, toolbox: str) -> None:
    home = {"dir": str(server.home("one"))}
    assert api.get(f"{toolbox}/user-home-dir").json() == home
    assert api.get(f"{toolbox}/work-dir").json() == home


def test_a_large_one(api: httpx.Client, files: str, tmp: Path) -> None:
    content = BINARY * 8192
    put(api, files, f"{tmp}/large", content)
    assert get(api, files, f"{tmp}/large").content == content


class TestRanges:
    @pytest.fixture
    def path(self, tmp: Path) -> Path:
        """Return a file of ten bytes."""
        path = tmp / "ten"
        path.write_bytes(b"0123456789")
        return path

    @pytest.mark.parametrize(
        ("asked", "part", "where"),
        [
            ("bytes=0-", b"0123456789", "0-9"),
            ("bytes=3-", b"3456789", "3-9"),
            ("bytes=3-5", b"345", "3-5"),
            ("bytes=9-9", b"9", "9-9"),
            ("bytes=5-500", b"56789", "5-9"),
            ("bytes=-4", b"6789", "6-9"),
            ("bytes=-400", b"0123456789", "0-9"),
        ],
    )
    def test_a_part(
        self, api: httpx.Client, files: str, path: Path, asked: str, part: bytes, where: str
    ) -> None:
        answer = api.get(f"{files}/download", params={"path": str(path)}, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"] == f"bytes {where}/10"
        assert answer.headers["content-length"] == str(len(part))

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=11-20", "bytes=5-4", "lines=1-2"])
    def test_past_the_end(self, api: httpx.Client, files: str, path: Path, asked: str) -> None:
        answer = api.get(f"{files}/download", params={"path": str(path)}, headers={"Range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10")

    def test_of_an_empty_file(self, api: httpx.Client, files: str, tmp: Path) -> None:
        (tmp / "empty").touch()
        answer = api.get(
            f"{files}/download", params={"path": f"{tmp}/empty"}, headers={"Range": "bytes=0-"}
        )
        assert (answer.status_code, answer.content) == (200, b"")

    @pytest.mark.parametrize("headers", [{}, {"Range": "bytes=4-"}])
    def test_of_one_that_grows(
        self, api: httpx.Client, files: str, tmp: Path, headers: dict[str, str]
    ) -> None:
        """As long as it was when it was opened, and no longer."""
        path = tmp / "grows"
        path.write_bytes(bytes(8_000_000))
        with (
            path.open("ab") as file,
            api.stream(
                "GET", f"{files}/download", params={"path": str(path)}, headers=headers
            ) as answer,
        ):
            file.write(b"more" * 100_000)
            file.flush()
            length = int(answer.headers["content-length"])
            assert len(answer.read()) == length < path.stat().st_size
