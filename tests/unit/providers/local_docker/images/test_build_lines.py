"""Lines of a build's output are whole, or cut where they are longer than anyone reads."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.redaction import HIDDEN, masking
from os2cli.providers.local_docker.images.build_events import BuildEvents
from os2cli.providers.local_docker.images.build_lines import MAX_LINE_CHARACTERS, BuildLines
from os2cli.snapshots.build_secrets import MAX_SECRET_BYTES
from tests.progress import RecordedProgress

PIECES = st.lists(st.text(st.sampled_from("ab\r\n"), max_size=5), max_size=6)


@given(PIECES)
def test_lines_are_the_last_states_of_any_pieces(pieces: list[str]) -> None:
    lines = BuildLines(str)
    *ended, rest = "".join(pieces).split("\n")

    found = [line for piece in pieces for line in lines.add(piece)]

    assert found == [line.rstrip("\r").rpartition("\r")[2] for line in ended]
    assert lines.end() == rest.rstrip("\r").rpartition("\r")[2]


def test_a_step_that_ends_no_line_takes_little_time_and_memory() -> None:
    def events() -> Iterator[dict[str, object]]:
        for _ in range(64 * 2**20 // 4096):
            yield {"stream": "x" * 4096}
        yield {"stream": "\nnext\n"}
        yield {"aux": {"ID": "sha256:1"}}

    listener = RecordedProgress()
    began = time.thread_time()

    BuildEvents(listener).follow(events())

    long, following = listener.lines
    assert len(long) < MAX_LINE_CHARACTERS + 100
    assert long.endswith("(the line is cut here: it is longer than 1 MB)")
    assert following == "next"
    assert time.thread_time() - began < 2


def test_a_cut_line_shows_no_part_of_a_secret() -> None:
    secret = "s3cret-" * 1000
    lines = BuildLines(masking([secret.encode()]))
    before = "x" * (MAX_LINE_CHARACTERS + MAX_SECRET_BYTES - 3000 - len(secret))

    assert list(lines.add(secret + before + secret)) == []

    shown = lines.end()
    assert shown.startswith(HIDDEN)
    assert "s3cret" not in shown
