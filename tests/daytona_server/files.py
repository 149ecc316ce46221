"""The toolbox's files: into a sandbox, out of it, and what is there."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.daytona_server.file_errors import FileError
from tests.daytona_server.file_ranges import NOTHING, range_of
from tests.daytona_server.file_store import FileStore, file_store
from tests.daytona_server.toolbox import running_sandbox

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

CHUNK = 1024 * 1024
BOUNDARY = "DAYTONA-FILE-BOUNDARY"
_BINARY = "application/octet-stream"
_MAX_FILES = 100_000
_FIELD = re.compile(r"files\[(\d+)\]\.(path|file)")


def _asked(world: World, call: Call, name: str = "path") -> tuple[FileStore, str]:
    """Return the files of the sandbox, and the requested path."""
    store = file_store(world, running_sandbox(world, call))
    path = call.query(name)
    if not path:
        raise FileError(400, f"{name} is required")
    return store, path


def _mode(call: Call, default: str = "") -> int:
    try:
        return int(call.query("mode") or default, 8)
    except ValueError:
        raise FileError(400, "invalid mode") from None


async def file_info(world: World, call: Call) -> Any:
    """``GET …/files/info?path=``."""
    store, path = _asked(world, call)
    return (await store.info(path)).document()


async def list_files(world: World, call: Call) -> Any:
    """``GET …/files?path=&depth=``: of the working folder when there is no path."""
    store = file_store(world, running_sandbox(world, call))
    depth = int(call.query("depth") or "1")
    if depth < 1:
        raise FileError(400, "depth must be at least 1")
    entries = await store.listing(call.query("path") or ".", depth)
    return [entry.document() for entry in entries]


async def make_folder(world: World, call: Call) -> Any:
    """``POST …/files/folder?path=&mode=``."""
    store, path = _asked(world, call)
    await store.make_folder(path, _mode(call))
    return Response(status_code=201)


async def delete_file(world: World, call: Call) -> Any:
    """``DELETE …/files?path=&recursive=``."""
    store, path = _asked(world, call)
    await store.delete(path, call.flag("recursive"))
    return Response(status_code=204)


async def move_file(world: World, call: Call) -> Any:
    """``POST …/files/move?source=&destination=``."""
    store, source = _asked(world, call, "source")
    await store.move(source, _asked(world, call, "destination")[1])


async def set_permissions(world: World, call: Call) -> Any:
    """``POST …/files/permissions?path=&mode=``; the owner stays."""
    store, path = _asked(world, call)
    await store.set_mode(path, _mode(call))


async def home_folder(world: World, call: Call) -> Any:
    """``GET …/user-home-dir``."""
    return {"dir": (await file_store(world, running_sandbox(world, call)).folders())[0]}


async def work_folder(world: World, call: Call) -> Any:
    """``GET …/work-dir``: where relative paths begin."""
    return {"dir": (await file_store(world, running_sandbox(world, call)).folders())[1]}


# --- into it --------------------------------------------------------------------------------


async def upload(world: World, call: Call) -> Any:
    """``POST …/files/upload?path=``: the field ``file`` of a form, or the body itself."""
    await _upload(world, call)


async def upload_v2(world: World, call: Call) -> Any:
    """``POST …/files/upload-v2?path=``: the same, and says what it wrote."""
    path = await _upload(world, call)
    return {"name": PurePosixPath(path).name, "path": path, "type": "file"}


async def _upload(world: World, call: Call) -> str:
    store, path = _asked(world, call)
    if not _is_form(call):
        await store.write(path, _body(call), replace=False)
        return path
    form = await _form(call)
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise FileError(400, "http: no such file")
        await store.write(path, _chunks(file), replace=False)
    except FileError as error:
        # The real one says nothing else of a file that it can't write.
        raise FileError(400, error.message) from None
    finally:
        await form.close()
    return path


async def bulk_upload(world: World, call: Call) -> Any:
    """``POST …/files/bulk-upload``: ``files[N].path`` and ``files[N].file`` for each."""
    store = file_store(world, running_sandbox(world, call))
    if not _is_form(call):
        return JSONResponse({"errors": ["invalid multipart form"]}, 400)
    form = await _form(call)
    targets: dict[str, str] = {}
    errors: list[str] = []
    files: list[dict[str, Any]] = []
    try:
        for name, value in form.multi_items():
            field = _FIELD.fullmatch(name)
            if field is None:
                continue
            if isinstance(value, str):
                targets[field[1]] = value.strip()
            elif not targets.get(field[1]):
                errors.append(f"file[{field[1]}]: missing .path metadata")
            else:
                path = targets[field[1]]
                try:
                    size = await store.write(path, _chunks(value), replace=True)
                    files.append({"path": path, "bytes": size})
                except FileError as error:
                    errors.append(error.message)
    finally:
        await form.close()
    if errors:
        return JSONResponse({"errors": errors, "files": files}, 400)
    return {"files": files}


def _is_form(call: Call) -> bool:
    return call.request.headers.get("content-type", "").startswith("multipart/form-data")


async def _form(call: Call) -> FormData:
    return await call.request.form(max_files=_MAX_FILES, max_fields=_MAX_FILES)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while data := await file.read(CHUNK):
        yield data


async def _body(call: Call) -> AsyncIterator[bytes]:
    for start in range(0, len(call.body), CHUNK):
        yield call.body[start : start + CHUNK]


# --- out of it ------------------------------------------------------------------------------


async def download(world: World, call: Call) -> Any:
    """``GET …/files/download?path=``: all of it, or the part that ``Range`` names."""
    store, path = _asked(world, call)
    wanted = call.request.headers.get("range")
    size = (await store.info(path)).size if wanted else 0
    part = range_of(wanted, size) if wanted and size else None
    if part == NOTHING:
        headers = {"Content-Range": f"bytes */{size}"}
        text = "invalid range: failed to overlap\n"
        return Response(text, 416, headers, media_type="text/plain")
    entry, content = await store.read(path, *(part or ()))
    length = entry.size if part is None else part[1]
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(length),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(path).name)}",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {part[0]}-{part[0] + length - 1}/{size}"
    status = 200 if part is None else 206
    return StreamingResponse(content, status, headers=headers, media_type=_BINARY)


async def bulk_download(world: World, call: Call) -> Any:
    """``POST …/files/bulk-download``: a part for each, ``file`` or ``error``."""
    store = file_store(world, running_sandbox(world, call))
    paths = [str(path) for path in call.json.get("paths") or []]
    if not paths:
        raise FileError(400, 'request body must be {"paths": [ ... ]} and non-empty')
    where = call.request.url.path
    parts = _parts(world, store, paths, where)
    return StreamingResponse(parts, media_type=f"multipart/form-data; boundary={BOUNDARY}")


async def _parts(
    world: World, store: FileStore, paths: list[str], where: str
) -> AsyncIterator[bytes]:
    for path in paths:
        try:
            entry, content = await store.read(path)
        except FileError as error:
            document = error.body("POST", where, world.now())
            yield _head("error", path, "application/json")
            yield json.dumps(document).encode()
        else:
            yield _head("file", path, _BINARY, entry.size)
            async for data in content:
                yield data
        yield b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


def _head(kind: str, path: str, media_type: str, size: int | None = None) -> bytes:
    length = "" if size is None else f"Content-Length: {size}\r\n"
    return (
        f"--{BOUNDARY}\r\nContent-Type: {media_type}\r\n{length}Content-Disposition: "
        f'form-data; name="{kind}"; filename="{path}"; filename*=UTF-8\'\'{quote(path)}\r\n\r\n'
    ).encode()
