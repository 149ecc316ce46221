"""What a hostile machine cannot do to this host, and what a failed copy leaves."""

from __future__ import annotations

import os
import resource
import signal
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from os2cli.core.errors import NotFound, OperationFailed, Os2Error
from os2cli.host.interrupts import Interrupted
from os2cli.machines.copying import copy_out
from tests.unit.copies import Sender, entry, everything_in, sent_by, tar


class TestHostileMachines:
    @pytest.mark.parametrize(
        "members",
        [
            [(entry("x/../../../escaped"), b"!")],
            [(entry("../escaped"), b"!")],
            [(entry("x", tarfile.SYMTYPE, ".."), b""), (entry("x/escaped"), b"!")],
            [(entry("x", tarfile.SYMTYPE, "/etc"), b""), (entry("x/escaped"), b"!")],
            [(entry("x", tarfile.LNKTYPE, "../secret"), b"")],
            [(entry("x", tarfile.CHRTYPE), b"")],
            [(entry("x", tarfile.FIFOTYPE), b"")],
            [(entry("x"), b"!"), (entry("y"), b"!")],
            [],
        ],
        ids=[
            "dots", "up", "link up", "link away", "hard link", "device", "pipe", "two", "nothing"
        ],
    )  # fmt: skip
    def test_what_leads_elsewhere_is_refused_and_leaves_nothing(
        self, here: Path, tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
    ) -> None:
        (tmp_path / "secret").write_text("secret")
        before = everything_in(tmp_path)

        with pytest.raises(OperationFailed) as caught:
            copy_out(sent_by(Sender(tar(*members))), "x", here)

        assert (caught.value.code, bool(caught.value.hint)) == ("copy_failed", True)
        assert everything_in(tmp_path) == before

    def test_an_absolute_path_stays_below(self, here: Path, tmp_path: Path) -> None:
        path = str(tmp_path / "escaped")

        with pytest.raises(Os2Error):
            copy_out(sent_by(Sender(tar((entry(path), b"!"), (entry("x"), b"!")))), "x", here)

        assert not (tmp_path / "escaped").exists()

    def test_the_name_that_it_sends_does_not_count(self, here: Path) -> None:
        copy_out(sent_by(Sender(tar((entry(".bashrc"), b"!")))), "/tmp/notes", here)

        assert everything_in(here) == {"notes"}

    def test_special_mode_bits_and_the_owner_are_dropped(self, here: Path) -> None:
        member = entry("x")
        member.mode, member.uid = 0o6777, 4711

        copy_out(sent_by(Sender(tar((member, b"!")))), "x", here)

        found = (here / "x").stat()
        assert (found.st_mode & 0o7777, found.st_uid) == (0o755, os.getuid())

    @pytest.mark.parametrize("link", ["..", "../mine"], ids=["folder", "file"])
    def test_a_link_of_an_earlier_copy_is_not_followed(self, here: Path, link: str) -> None:
        (here / "mine").write_text("mine")
        first = tar((entry("x", tarfile.DIRTYPE), b""), (entry("x/a", tarfile.SYMTYPE, link), b""))
        copy_out(sent_by(Sender(first)), "x", here)
        name = "x/a/mine" if link == ".." else "x/a"

        with suppress(OperationFailed):
            copy_out(sent_by(Sender(tar((entry(name), b"theirs")))), "x", here)

        assert (here / "mine").read_text() == "mine"

    @pytest.mark.parametrize("data", [b"no tar" * 999, tar((entry("x"), b"!" * 9000))[:5000]])
    def test_an_incomplete_archive_leaves_nothing(self, here: Path, data: bytes) -> None:
        with pytest.raises(OperationFailed, match="cannot unpack"):
            copy_out(sent_by(Sender(data)), "x", here)

        assert everything_in(here) == set()

    def test_what_the_machine_says_counts_for_more_than_how_its_output_ends(
        self, here: Path
    ) -> None:
        said = NotFound("a:x does not exist", hint="look around", code="path_not_found")

        with pytest.raises(NotFound) as caught:
            copy_out(sent_by(Sender(b"", ends_with=said)), "x", here)

        assert caught.value is said


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Limit the size of the files that this process writes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_reported_and_leaves_nothing(here: Path) -> None:
    place = sent_by(Sender(tar((entry("x"), b"!" * 200_000))))

    with room_for(100_000), pytest.raises(OperationFailed, match="File too large") as caught:
        copy_out(place, "x", here)

    assert caught.value.code == "copy_failed"
    assert everything_in(here) == set()


def test_interrupted_it_leaves_nothing(here: Path) -> None:
    whole = tar((entry("x"), b"!" * 200_000))
    place = sent_by(Sender(whole[:100_000], ends_with=Interrupted(signal.SIGINT)))

    with pytest.raises(Interrupted):
        copy_out(place, "x", here)

    assert everything_in(here) == set()
