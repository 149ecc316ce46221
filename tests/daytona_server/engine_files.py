"""The files of a container, read and written as its own user.

By commands in it, since the engine's archives know neither permissions nor a user's links.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING

from tests.daytona_server.executions import Execution, Order, Outcome, finish, launch
from tests.daytona_server.file_errors import FileError, explained, no_such_file
from tests.daytona_server.file_store import Entry, FileStore

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

_FORMAT = "%f %u %g %s %Y %n"
_INFO = f'stat -L -c "{_FORMAT}" -- "$1"'
_LIST = f"""
test -e "$1" || {{ echo "no such file" >&2; exit 1; }}
find "$1" -mindepth 1 -maxdepth "$2" -exec stat --printf "{_FORMAT}\\0" -- {{}} +
"""
# Opened first, so that what can't be read is found out before the answer begins.
_READ = f"""
exec 3< "$1" || exit 1
entry=$(stat -L -c "{_FORMAT}" -- "$1") && printf "%s\\n" "$entry" && ! test -d "$1" || exit
start=$2 length=$3
set -f; set -- $entry
tail -c "+$(( start + 1 ))" <&3 | head -c "${{length:-$(( $4 - start ))}}"
"""
_WRITE = 'mkdir -p -- "$(dirname -- "$1")" && cat > "$1"'
_REPLACE = """
folder=$(dirname -- "$1")
mkdir -p -- "$folder" && made=$(mktemp "$folder/.daytona-upload-XXXXXX") || exit 1
trap 'rm -f "$made"' EXIT
cat > "$made" && chmod 644 "$made" && mv -fT -- "$made" "$(readlink -f -- "$1")"
"""
_FOLDER = 'mkdir -p -- "$1" && chmod "$2" -- "$1"'
_DELETE = """
test -e "$1" || test -L "$1" || { echo "no such file" >&2; exit 1; }
if test "$2" = yes; then exec rm -rf -- "$1"; fi
if test -d "$1" && ! test -L "$1"; then
    echo "cannot delete directory without recursive flag" >&2; exit 1
fi
exec rm -f -- "$1"
"""
_MOVE = 'mv -T -- "$1" "$2"'
_MODE = 'chmod "$2" -- "$1"'
_FOLDERS = 'printf "%s\\n" "$HOME" "$PWD"'


class EngineFiles(FileStore):
    """Those of one container."""

    def __init__(self, world: World, sandbox: SandboxRecord) -> None:
        self._world = world
        self._sandbox = sandbox

    async def info(self, path: str) -> Entry:
        done = await self._run(_INFO, path)
        return _entry(done.stdout.decode(errors="replace").rstrip("\n"), path)

    async def listing(self, path: str, depth: int) -> list[Entry]:
        done = await self._run(_LIST, path, str(depth))
        lines = done.stdout.decode(errors="replace").split("\0")
        return sorted((_entry(line) for line in lines if line), key=lambda entry: entry.path)

    async def read(
        self, path: str, start: int = 0, length: int | None = None
    ) -> tuple[Entry, AsyncIterator[bytes]]:
        part = "" if length is None else str(length)
        execution = await self._start(_READ, path, str(start), part)
        parts = execution.output()
        head, errors = b"", b""
        async for error, data in parts:
            if error:
                errors += data
            else:
                head += data
            # A path may have a line break in it, but is known.
            if head.count(b"\n") > path.count("\n"):
                break
        else:
            await execution.close()
            raise explained(path, errors.decode(errors="replace"))
        lines = head.split(b"\n", path.count("\n") + 1)
        entry = _entry(b"\n".join(lines[:-1]).decode(errors="replace"), path)
        if entry.is_folder:
            await execution.close()
            raise FileError(400, "path must be a file")
        return entry, _content(execution, parts, lines[-1])

    async def write(self, path: str, content: AsyncIterable[bytes], *, replace: bool) -> int:
        size = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size
            async for data in content:
                size += len(data)
                yield data

        execution = await self._start(_REPLACE if replace else _WRITE, path, reads=True)
        _checked(path, await finish(execution, counted(), reads=True))
        return size

    async def make_folder(self, path: str, mode: int) -> None:
        await self._run(_FOLDER, path, f"{mode:o}")

    async def delete(self, path: str, recursive: bool) -> None:
        await self._run(_DELETE, path, "yes" if recursive else "no")

    async def move(self, source: str, destination: str) -> None:
        await self._run(_MOVE, source, destination)

    async def set_mode(self, path: str, mode: int) -> None:
        await self._run(_MODE, path, f"{mode:o}")

    async def folders(self) -> tuple[str, str]:
        home, here = (await self._run(_FOLDERS, "")).stdout.decode().splitlines()
        return home, here

    async def _start(self, script: str, *arguments: str, reads: bool = False) -> Execution:
        order = Order(script, env={"LC_ALL": "C"}, reads=reads, arguments=arguments)
        return await launch(self._world, self._sandbox, order)

    async def _run(self, script: str, path: str, *arguments: str) -> Outcome:
        done = await finish(await self._start(script, path, *arguments))
        _checked(path, done)
        return done


def _checked(path: str, done: Outcome) -> None:
    if done.code != 0:
        raise explained(path, done.stderr.decode(errors="replace"))


def _entry(line: str, path: str | None = None) -> Entry:
    try:
        mode, uid, gid, size, modified, name = line.split(" ", 5)
    except ValueError:
        raise FileError(400, f"{path}: it can't be looked at") from None
    if not name:
        raise no_such_file(path or line)
    return Entry(name, int(mode, 16), int(uid), int(gid), int(size), int(modified))


async def _content(
    execution: Execution, parts: AsyncIterator[tuple[bool, bytes]], first: bytes
) -> AsyncIterator[bytes]:
    try:
        if first:
            yield first
        async for error, data in parts:
            if not error:
                yield data
    finally:
        await execution.close()
