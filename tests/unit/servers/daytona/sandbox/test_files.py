"""Files of a sandbox without a container."""

from __future__ import annotations

import httpx
import pytest

from tests.daytona_server import DaytonaServer

BINARY = bytes(range(256)) * 10


@pytest.fixture
def files(toolbox: str) -> str:
    """Where they are."""
    return f"{toolbox}/files"


def put(api: httpx.Client, files: str, path: str, content: bytes = BINARY) -> None:
    """Upload a file."""
    answer = api.post(f"{files}/upload", params={"path": path}, files={"file": content})
    assert answer.status_code == 200, answer.text


def get(api: httpx.Client, files: str, path: str) -> httpx.Response:
    """Download a file."""
    return api.get(f"{files}/download", params={"path": path})


def test_up_and_down(server: DaytonaServer, api: httpx.Client, files: str) -> None:
    put(api, files, "/tmp/a b/ä")
    assert server.sandbox("one").files["/tmp/a b/ä"].data == BINARY
    answer = get(api, files, "/tmp/a b/ä")
    assert (answer.content, answer.headers["content-type"]) == (BINARY, "application/octet-stream")
    assert int(answer.headers["content-length"]) == len(BINARY)
    put(api, files, "relative", b"")
    assert get(api, files, "/home/daytona/relative").content == b""


def test_what_comes_without_a_form(api: httpx.Client, files: str) -> None:
    answer = api.post(f"{files}/upload-v2", params={"path": "/tmp/x"}, content=BINARY)
    assert answer.json() == {"name": "x", "path": "/tmp/x", "type": "file"}
    assert get(api, files, "/tmp/x").content == BINARY


def test_several_at_once(api: httpx.Client, files: str) -> None:
    form = {"files[0].path": "/tmp/a", "files[1].path": "/tmp/b"}
    content = {"files[0].file": ("/tmp/a", b"one"), "files[1].file": ("/tmp/b", b"two")}
    answer = api.post(f"{files}/bulk-upload", data=form, files=content)
    assert answer.json() == {
        "files": [{"path": "/tmp/a", "bytes": 3}, {"path": "/tmp/b", "bytes": 3}]
    }
    lost = {"files[0].file": ("a", b"one"), "files[1].file": ("b", b"two")}
    form = {"files[0].path": "/tmp/a/below"}
    answer = api.post(f"{files}/bulk-upload", data=form, files=lost)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        "/tmp/a/below: not a directory",
        "file[1]: missing .path metadata",
    ]
    body = api.post(f"{files}/bulk-download", json={"paths": ["/tmp/b", "/nope"]}).text
    assert 'name="file"; filename="/tmp/b"' in body
    assert "\r\n\r\ntwo\r\n" in body
    assert 'name="error"; filename="/nope"' in body


def test_about_them(api: httpx.Client, files: str) -> None:
    put(api, files, "/tmp/folder/file", b"12345")
    file = api.get(f"{files}/info", params={"path": "/tmp/folder/file"}).json()
    assert (file["name"], file["size"], file["isDir"]) == ("file", 5, False)
    assert (file["mode"], file["permissions"], file["owner"]) == ("-rw-r--r--", "0644", "1000")
    mode = {"path": "/tmp/folder/file", "mode": "755"}
    assert api.post(f"{files}/permissions", params=mode).status_code == 200
    folder = {"path": "/tmp/folder/sub", "mode": "700"}
    assert api.post(f"{files}/folder", params=folder).status_code == 201
    listed = api.get(files, params={"path": "/tmp/folder"}).json()
    assert [(each["name"], each["mode"]) for each in listed] == [
        ("file", "-rwxr-xr-x"),
        ("sub", "drwx------"),
    ]
    deep = api.get(files, params={"path": "/tmp", "depth": "2"}).json()
    assert [each["path"] for each in deep] == [
        "/tmp/folder",
        "/tmp/folder/file",
        "/tmp/folder/sub",
    ]


def test_move_and_delete(api: httpx.Client, files: str) -> None:
    put(api, files, "/tmp/folder/file")
    move = {"source": "/tmp/folder", "destination": "/tmp/moved"}
    assert api.post(f"{files}/move", params=move).status_code == 200
    assert get(api, files, "/tmp/moved/file").content == BINARY
    assert api.delete(files, params={"path": "/tmp/moved"}).status_code == 400
    assert api.delete(files, params={"path": "/tmp/moved", "recursive": "true"}).status_code == 204
    assert get(api, files, "/tmp/moved/file").status_code == 404


def test_what_is_not_there(api: httpx.Client, files: str) -> None:
    for answer in (
        get(api, files, "/nope"),
        api.get(f"{files}/info", params={"path": "/nope"}),
        api.get(files, params={"path": "/nope"}),
        api.delete(files, params={"path": "/nope"}),
    ):
        assert (answer.status_code, answer.json()["statusCode"]) == (404, 404)
        assert answer.json()["message"] == "/nope: no such file or directory"
        assert answer.json()["code"] == "FILE_NOT_FOUND"
    assert get(api, files, "/tmp").json()["message"] == "path must be a file"
    assert get(api, files, "").status_code == 400


def test_where_paths_begin(api: httpx.Client, toolbox: str) -> None:
    assert api.get(f"{toolbox}/user-home-dir").json() == {"dir": "/home/daytona"}
    assert api.get(f"{toolbox}/work-dir").json() == {"dir": "/home/daytona"}


def test_a_large_one(api: httpx.Client, files: str) -> None:
    content = BINARY * 8192
    put(api, files, "/tmp/large", content)
    assert get(api, files, "/tmp/large").content == content
