"""Whole builds, recorded from a real engine (Docker 20.10) with each of its builders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.redaction import masking
from os2cli.providers.local_docker.images.build_events import BuildEvents
from tests.progress import RecordedProgress

BUILDS = Path(__file__).parents[4] / "data/builds"
RUN = (
    "RUN printf 'half a ' && sleep 0.3 && printf '\\033[31mred\\033[0m\\n' >&2"
    " && sleep 0.3 && echo line"
)


@pytest.fixture
def listener() -> RecordedProgress:
    return RecordedProgress()


def recorded(build: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads((BUILDS / f"{build}.json").read_text())
    return events


def follow(listener: RecordedProgress, events: list[dict[str, Any]]) -> str:
    return BuildEvents(listener).follow(events)


def image_id(events: list[dict[str, Any]]) -> str:
    return next(str(e["aux"]["ID"]) for e in events if isinstance(e.get("aux"), dict))


class TestSuccess:
    @pytest.mark.parametrize(
        "build",
        [f"{b}_{n}" for b in ("buildkit", "classic") for n in ("copy", "cached", "run")]
        + ["podman_run"],
    )
    def test_the_image_is_the_one_that_the_engine_named(
        self, build: str, listener: RecordedProgress
    ) -> None:
        events = recorded(build)

        found = follow(listener, events)

        assert found == image_id(events)
        assert found.startswith("sha256:")

    def test_an_engine_that_names_the_image_in_words_only_is_understood(
        self, listener: RecordedProgress
    ) -> None:
        events = [e for e in recorded("classic_copy") if "aux" not in e]

        assert image_id(recorded("classic_copy")).startswith(f"sha256:{follow(listener, events)}")

    def test_buildkits_steps_are_shown_as_they_start(self, listener: RecordedProgress) -> None:
        follow(listener, recorded("buildkit_run"))

        assert listener.states == [
            "[1/2] FROM docker.io/library/os2-dev-base:bookworm",
            f"[2/2] {RUN}",
        ]

    @pytest.mark.parametrize("builder", ["classic", "podman"])
    def test_the_other_builders_steps_are_shown_in_the_same_form(
        self, builder: str, listener: RecordedProgress
    ) -> None:
        follow(listener, recorded(f"{builder}_run"))

        assert listener.states == ["[1/2] FROM os2-dev-base:bookworm", f"[2/2] {RUN}"]

    def test_a_cached_step_of_buildkit_is_only_logged(self, listener: RecordedProgress) -> None:
        follow(listener, recorded("buildkit_cached"))

        assert listener.states == []
        assert "[1/1] COPY a.txt /a.txt (cached)" in listener.lines

    def test_buildkits_own_housekeeping_is_not_logged(self, listener: RecordedProgress) -> None:
        follow(listener, recorded("buildkit_run"))

        assert not [line for line in listener.lines if "[internal]" in line]

    def test_a_step_is_logged_once_and_what_it_wrote_in_whole_plain_lines(
        self, listener: RecordedProgress
    ) -> None:
        follow(listener, recorded("buildkit_run"))

        assert listener.lines[-4:] == [f"[2/2] {RUN}", "red", "half a line", "exporting to image"]

    def test_the_classic_builders_lines_are_whole_and_plain_too(
        self, listener: RecordedProgress
    ) -> None:
        follow(listener, recorded("classic_run"))

        assert "line" in listener.lines
        assert not [line for line in listener.lines if "\x1b" in line or "\n" in line]
        assert listener.lines[0] == "Step 1/2 : FROM os2-dev-base:bookworm"


class TestSecrets:
    def test_what_a_step_prints_is_hidden_however_it_arrives(
        self, listener: RecordedProgress
    ) -> None:
        recorded_lines: list[str] = []
        events = BuildEvents(listener, recorded_lines.append, masking([b"hunter2"]))

        with pytest.raises(OperationFailed) as caught:
            events.follow(
                [
                    {"stream": "Step 1/2 : RUN echo hunter2\n"},
                    {"stream": "it is hun"},
                    {"stream": "ter2\nand \x1b[31mhunter2\x1b[0m\nhalf hunter2"},
                    {"error": "echo hunter2 failed"},
                ]
            )

        assert listener.states == ["[1/2] RUN echo •••"]
        assert listener.lines == ["Step 1/2 : RUN echo •••", "it is •••", "and •••", "half •••"]
        assert caught.value.log_tail == tuple(recorded_lines) == tuple(listener.lines)
        assert caught.value.message == "cannot build the image: echo ••• failed"

    @pytest.mark.parametrize(
        "reason",
        [
            "secret npm not found: not found",  # Docker 20.10
            "secret npm: not found",
            "failed to solve: secret npm: not found",
        ],
    )
    def test_a_required_one_is_named(self, reason: str, listener: RecordedProgress) -> None:
        with pytest.raises(OperationFailed) as caught:
            follow(listener, [{"error": reason}])

        error = caught.value
        assert error.message == "cannot build the image: the Dockerfile requires secret npm"
        assert error.code == "secret_missing"
        assert str(error.hint).endswith("--secret id=npm")

    @pytest.mark.parametrize(
        "reason",
        [
            "rpc error: code = NotFound desc = no SSH agent deploy",  # Docker 20.10
            "NotFound: no SSH agent deploy",
            "failed to solve: unset ssh forward key deploy",
        ],
    )
    def test_a_required_agent_is_named(self, reason: str, listener: RecordedProgress) -> None:
        with pytest.raises(OperationFailed) as caught:
            follow(listener, [{"error": reason}])

        expected = "cannot build the image: the Dockerfile requires the SSH agent deploy"
        assert caught.value.message == expected
        assert str(caught.value.hint).endswith("--ssh deploy")


class TestFailure:
    @pytest.mark.parametrize(
        ("build", "reason"),
        [
            ("buildkit_failed_run", "exit code: 7"),
            ("buildkit_syntax", "dockerfile parse error line 2: unknown instruction: NONSENSE"),
            ("classic_failed_run", "returned a non-zero code: 7"),
            ("podman_failed_run", "while running runtime: exit status 7"),
        ],
    )
    def test_the_message_ends_with_what_the_engine_said(
        self, build: str, reason: str, listener: RecordedProgress
    ) -> None:
        with pytest.raises(OperationFailed) as caught:
            follow(listener, recorded(build))

        error = caught.value
        assert error.code == "build_failed"
        assert error.message.startswith("cannot build the image: ")
        assert error.message.endswith(reason)
        assert error.hint

    @pytest.mark.parametrize("builder", ["buildkit", "classic", "podman"])
    def test_what_the_failed_step_wrote_is_in_the_tail(
        self, builder: str, listener: RecordedProgress
    ) -> None:
        with pytest.raises(OperationFailed) as caught:
            follow(listener, recorded(f"{builder}_failed_run"))

        assert "about to fail" in caught.value.log_tail
        assert caught.value.log_tail == tuple(listener.lines)

    @pytest.mark.parametrize("build", ["buildkit_missing_file", "classic_missing_file"])
    def test_a_file_that_is_not_there_is_named(
        self, build: str, listener: RecordedProgress
    ) -> None:
        with pytest.raises(OperationFailed) as caught:
            follow(listener, recorded(build))

        assert caught.value.code == "file_not_found"
        assert "image: missing.txt is not where the Dockerfile copies it from" in str(caught.value)

    def test_buildkits_failed_step_is_logged_with_its_error(
        self, listener: RecordedProgress
    ) -> None:
        with pytest.raises(OperationFailed):
            follow(listener, recorded("buildkit_missing_file"))

        assert listener.lines[-1] == '[1/1] COPY missing.txt /: "/missing.txt" not found: not found'

    @pytest.mark.parametrize("build", ["buildkit_copy", "classic_copy"])
    def test_a_build_that_breaks_off_has_no_image(
        self, build: str, listener: RecordedProgress
    ) -> None:
        events = recorded(build)
        events = events[: next(i for i, e in enumerate(events) if isinstance(e.get("aux"), dict))]

        with pytest.raises(OperationFailed, match="the engine returned no image"):
            follow(listener, events)

    def test_a_line_that_was_not_ended_is_in_the_tail(self, listener: RecordedProgress) -> None:
        with pytest.raises(OperationFailed) as caught:
            follow(listener, [{"stream": "half a"}, {"stream": " line"}, {"error": "broken"}])

        assert caught.value.log_tail == ("half a line",)

    def test_the_tail_is_the_end_of_the_log(self, listener: RecordedProgress) -> None:
        lines = [f"line {number}" for number in range(25)]

        with pytest.raises(OperationFailed) as caught:
            follow(listener, [{"stream": "\n".join(lines) + "\n"}, {"error": "broken"}])

        assert caught.value.log_tail == tuple(lines[5:])
        assert listener.lines == lines

    @pytest.mark.parametrize(
        "events",
        [
            [{"error": "write /x: no space left on device"}],
            [{"stream": "cp: error writing: No space left on device\n"}, {"error": "code 1"}],
        ],
        ids=["said by the engine", "said by a step"],
    )
    def test_a_full_disk_is_called_so(
        self, events: list[dict[str, Any]], listener: RecordedProgress
    ) -> None:
        with pytest.raises(OperationFailed, match="the engine's disk is full") as caught:
            follow(listener, events)

        assert caught.value.code == "disk_full"


class TestLines:
    @pytest.mark.parametrize(
        ("texts", "lines"),
        [
            (["a\nb\n"], ["a", "b"]),
            (["a", "b\n"], ["ab"]),
            (["a\r\n"], ["a"]),
            (["10%\r50%\r100%\n"], ["100%"]),
            (["\x1b[2K\x1b[1;31mred\x1b[0m\n"], ["red"]),
            (["\n", "  \n"], []),
            (["  indented  \n"], ["  indented"]),
        ],
        ids=[
            "two lines",
            "pieces",
            "carriage return",
            "redrawn",
            "coloured",
            "blank",
            "spaces",
        ],
    )
    def test_text_becomes_lines(
        self, texts: list[str], lines: list[str], listener: RecordedProgress
    ) -> None:
        events: list[dict[str, Any]] = [{"stream": text} for text in texts]

        follow(listener, [*events, {"aux": {"ID": "sha256:1"}}])

        assert listener.lines == lines

    def test_a_pull_is_shown_as_a_status(self, listener: RecordedProgress) -> None:
        events: list[dict[str, Any]] = [
            {"status": "Downloading", "progress": "[=>  ] 1MB/2MB"},
            {"status": "Pull complete"},
            {"aux": {"ID": "sha256:1"}},
        ]

        follow(listener, events)

        assert listener.states == ["Downloading [=>  ] 1MB/2MB", "Pull complete"]

    def test_events_of_a_kind_that_is_not_known_are_ignored(
        self, listener: RecordedProgress
    ) -> None:
        events: list[dict[str, Any]] = [
            {},
            {"id": "moby.buildkit.trace", "aux": "damaged"},
            {"aux": {"Size": 1}},
            {"aux": {"ID": "sha256:1"}},
        ]

        assert follow(listener, events) == "sha256:1"
        assert listener.lines == []
