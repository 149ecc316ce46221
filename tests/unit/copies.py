"""What the tests of copying share: places, archives of any kind, and machines that send them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from os2cli.core.models import MachineSpec
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.omissions import Omissions
from os2cli.machines.tarball import Packed
from tests.contract.memory import MemoryMachines

SPEC = MachineSpec(name="a", stage="dev", snapshot="iterate-sandbox:local")


class Sender(MemoryMachines):
    """A machine that sends what the test says, for any request."""

    def __init__(self, *pieces: bytes, ends_with: BaseException | None = None) -> None:
        super().__init__()
        self.pieces = pieces
        self.ends_with = ends_with

    def fetch(self, name: str, path: str) -> Packed:
        del name, path
        yield from self.pieces
        if self.ends_with is not None:
            raise self.ends_with
        return Omissions()


def sent_by(provider: MemoryMachines) -> LocatedMachine:
    return LocatedMachine(provider.create(SPEC), provider)


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive of exactly these members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o755
    return member


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
