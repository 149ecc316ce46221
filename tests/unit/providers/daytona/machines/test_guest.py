"""Logs and files of a sandbox."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from os2cli.core.clock import REAL_TIME
from os2cli.core.errors import NotFound, OperationFailed, UsageError
from os2cli.core.models import LogRequest
from os2cli.providers.daytona.machines.guest import Guest
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.clock import Time
from tests.unit.providers.daytona.guests import ENTRYPOINT, GuestWire
from tests.unit.providers.daytona.wires import ok


@pytest.fixture
def sandbox(real_toolbox: Toolbox) -> Guest:
    return Guest(real_toolbox, "dev-1", REAL_TIME)


def archive(**files: bytes) -> io.BytesIO:
    """Return a tar."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    content.seek(0)
    return content


@pytest.mark.parametrize(("tail", "lines"), [(0, []), (1, ["c"]), (9, ["a", "b\u2028b", "c"])])
def test_a_tail_is_counted_in_lines(
    tools: Toolbox, guest: GuestWire, time: Time, tail: int, lines: list[str]
) -> None:
    guest.on(ENTRYPOINT, ok({"output": "a\nb\u2028b\nc\n"}))

    assert list(Guest(tools, "dev-1", time.clock).log(LogRequest(tail=tail))) == lines


def test_times_are_not_known(tools: Toolbox, time: Time) -> None:
    with pytest.raises(UsageError) as caught:
        Guest(tools, "dev-1", time.clock).log(LogRequest(since=datetime.now(UTC)))

    assert "--service" in (caught.value.hint or "")


class TestFiles:
    def test_they_arrive_and_come_back(self, sandbox: Guest, tmp_path: Path) -> None:
        data = bytes(range(256)) * 1000

        sandbox.unpack(archive(a=data), str(tmp_path))

        assert (tmp_path / "a").read_bytes() == data
        back = io.BytesIO(b"".join(sandbox.packed(f"{tmp_path}/a")))
        with tarfile.open(fileobj=back) as tar:
            member = tar.extractfile("a")
            assert member is not None
            assert member.read() == data

    def test_a_failed_unpack_has_the_message_of_tar(self, sandbox: Guest, tmp_path: Path) -> None:
        (tmp_path / "a/full").mkdir(parents=True)
        with pytest.raises(OperationFailed, match=rf"{tmp_path}: a: Cannot open"):
            sandbox.unpack(archive(a=b"x"), str(tmp_path))

    def test_a_missing_path_is_not_found(self, sandbox: Guest, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"dev-1:/.*/x does not exist"):
            list(sandbox.packed(f"{tmp_path}/x"))
        with pytest.raises(NotFound):
            sandbox.unpack(archive(a=b"x"), f"{tmp_path}/no folder")
