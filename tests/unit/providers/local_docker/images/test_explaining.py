"""What builders say of files and stages that are not there, as each was seen to say it."""

from __future__ import annotations

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import SILENT
from os2cli.providers.local_docker.images.build_events import BuildEvents
from os2cli.providers.local_docker.images.explaining import explained_with

LAYER = f"/var/lib/docker/overlay2/{'5f' * 32}/merged"
STAGES = "FROM x AS a\nRUN ls\nFROM x\nCOPY --chown=1 --from=a /gone/f g /x/\n"
IMAGE = 'FROM x\nCOPY --from=img:1 ["/gone/f", "/x"]\n'
MISSING = [
    # Docker 20.10
    f"failed to solve: lstat {LAYER}/gone/f: no such file or directory",
    f"lstat {LAYER}/gone/f: not a directory",
    "lstat /var/lib/docker/tmp/buildkit-mount917428567/gone/f: no such file or directory",
    'failed to compute cache key: "/gone/f" not found: not found',
    # newer ones
    "failed to solve: lstat /gone/f: no such file or directory",
    'failed to calculate checksum of ref abc::def: "/gone/f": not found',
    # the classic builder, and Podman
    "COPY failed: stat gone/f: file does not exist",
    'building at STEP "COPY --from=a": checking on sources: copier: stat: "/gone/f": no such file'
    " or directory",
    'copier: stat: ["/gone/f"]: no such file or directory',
]  # fmt: skip


def explained(reason: str, dockerfile: str) -> OperationFailed | None:
    events = BuildEvents(SILENT)
    with pytest.raises(OperationFailed) as caught:
        events.follow([{"stream": "a line\n"}, {"error": reason}])
    return explained_with(caught.value, dockerfile)


@pytest.mark.parametrize("reason", MISSING)
@pytest.mark.parametrize(
    ("dockerfile", "source", "line"),
    [
        (STAGES, "stage a", 4),
        (IMAGE, "image img:1", 2),
        ("FROM x\nFROM y\nRUN --mount=from=0,source=gone/f,target=/m ls", "stage 0", 3),
    ],
)
def test_a_file_that_is_in_no_stage_or_image(
    reason: str, dockerfile: str, source: str, line: int
) -> None:
    found = explained(reason, dockerfile)
    assert found is not None
    assert found.message == f"cannot build the image: {source} has no /gone/f"
    assert found.hint == f"fix the path in line {line} of the Dockerfile"
    assert (found.code, found.details) == ("file_not_found", {"path": found.details["path"]})
    assert found.log_tail == ("a line",)


@pytest.mark.parametrize("reason", MISSING)
@pytest.mark.parametrize("line", ["COPY gone/f /x", "RUN --mount=source=/gone/f,target=/m ls"])
def test_a_file_of_the_build_context_stays_one(reason: str, line: str) -> None:
    assert explained(reason, f"FROM x\n{line}\nCOPY --from=a f /gone/f") is None


@pytest.mark.parametrize(
    "reason",
    [
        "failed to create LLB definition: circular dependency detected on stage: a",
        'failed to solve: cannot copy from stage "b", it needs to be defined before current stage'
        ' "a"',
        'invalid from flag value b: Get "https://127.0.0.1/v2/": dial tcp: no such host',
        "COPY --from=b: no stage or image found with that name",
    ],
)
def test_a_stage_that_comes_later(reason: str) -> None:
    found = explained(reason, "FROM x AS a\nCOPY --from=b c d\nFROM x AS B\nCOPY --from=a d e")
    assert found is not None
    assert found.message == (
        "cannot build the image: line 2 of the Dockerfile, in stage a: COPY --from=b names a later"
        " stage"
    )


def test_a_stage_that_copies_from_itself() -> None:
    reason = "circular dependency detected on stage: a"
    found = explained(reason, "FROM x AS a\nRUN --mount=from=0,target=/m ls")
    assert found is not None
    assert found.message.endswith("in stage a: RUN --mount=from=0 names its own stage")


@pytest.mark.parametrize(
    "reason", ["invalid from flag value img: denied", "COPY --from=img: no stage or image found"]
)
def test_an_image_that_is_not_a_stage_is_something_else(reason: str) -> None:
    assert explained(reason, "FROM x AS a\nCOPY --from=img c d\nFROM x AS b") is None


@pytest.mark.parametrize(
    ("dockerfile", "message", "hint"),
    [
        ("FROM x AS y\nARG V\nENV T=W", "3 of the Dockerfile, in stage y: ENV requires V: why",
         "pass it: os2 snapshot local-docker --build-arg V=VALUE"),
        ("ARG V\nFROM x\n\nLABEL T=W", "4 of the Dockerfile: LABEL requires V: why",
         "declare it above line 4: ARG V=VALUE"),
        ("FROM x\nENV T=W\nARG V", "2 of the Dockerfile: ENV requires V: why",
         "declare it above line 2: ARG V=VALUE"),
        ("ARG V\nARG T=W\nFROM x", "2 of the Dockerfile: ARG requires V: why",
         "pass it: os2 snapshot local-docker --build-arg V=VALUE"),
    ],
)  # fmt: skip
def test_a_variable_that_a_line_requires(dockerfile: str, message: str, hint: str) -> None:
    word = '${V:?"why"}'
    reason = r'failed to solve: failed to process "${V:?\"why\"}": V: why'
    found = explained(reason, dockerfile.replace("=W", f"={word}"))
    assert found is not None
    assert found.message == f"cannot build the image: line {message}"
    assert found.hint == hint


@pytest.mark.parametrize(
    "reason",
    [
        "failed to process \"${V:?x\": syntax error: missing '}'",
        r'failed to process "\x00": V: why',
        'failed to process "elsewhere": V: why',
        "exit code: 1",
    ],
)
def test_other_failures_stay(reason: str) -> None:
    assert explained(reason, "FROM x\nRUN y") is None
