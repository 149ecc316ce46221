"""The images that a build takes something from."""

from __future__ import annotations

import pytest

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.images import named_images
from os2cli.snapshots.dockerfile.reading import read

WHOLE = """\ufeff# syntax=docker/dockerfile:1.7
# escape=`
ARG TAG=${TARGETARCH:-q} B=img:$TAG
FROM --platform=$BUILDPLATFORM ${B} as Build
COPY --from=other:1 /a /b
FROM scratch AS two
COPY --from=build a b
COPY --from=0 a b
RUN --mount=type=bind,from=mounted:2,target=/x `
   --mount="type=cache,target=/a b" <<EOF
FROM notthis
EOF
FROM BUILD
COPY --from=other:1 a b
"""


def images(text: str, target: str | None = None, **arguments: str) -> tuple[str, ...]:
    return named_images(read(text), arguments, {"TARGETARCH": "arm64"}, target)


def test_every_place_that_names_an_image() -> None:
    frontend = "docker/dockerfile:1.7"
    assert images(WHOLE) == (frontend, "img:arm64", "other:1", "mounted:2")
    assert images(WHOLE, TAG="z") == (frontend, "img:z", "other:1", "mounted:2")


def test_no_target_is_the_last_stage() -> None:
    assert images(WHOLE, "") == images(WHOLE)


@pytest.mark.parametrize("target", ["build", "BUILD", "0"])
def test_stages_after_the_target_do_not_count(target: str) -> None:
    assert images(WHOLE, target) == ("docker/dockerfile:1.7", "img:arm64", "other:1")


def test_an_argument_names_the_frontend() -> None:
    assert images("FROM a", BUILDKIT_SYNTAX="own/frontend") == ("own/frontend", "a")


@pytest.mark.parametrize(
    "text",
    ["FROM scratch", "FROM scratch AS a\nFROM a", "", "RUN x", "COPY --from=a b c"],
)
def test_no_image(text: str) -> None:
    assert images(text) == ()


def test_a_stage_counts_only_where_it_is_known() -> None:
    """``FROM`` sees the stages before it, ``COPY --from`` those of the whole build."""
    assert images("FROM late\nFROM x AS late") == ("late", "x")
    assert images("FROM x\nCOPY --from=late a b\nFROM x AS late") == ("x",)


@pytest.mark.parametrize("target", ["none", "3", "-1"])
def test_an_unknown_target(target: str) -> None:
    with pytest.raises(UsageError) as caught:
        images(WHOLE, target)
    assert caught.value.code == "target_unknown"
    assert "build, two" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM unused\nFROM a", ("a",)),
        ("FROM a AS x\nFROM unused\nFROM b\nCOPY --from=x c d", ("a", "b")),
        ("FROM a\nFROM unused\nFROM b\nRUN --mount=from=0,target=/m c", ("a", "b")),
        ("FROM a AS x\nFROM X AS x\nFROM unused\nFROM x", ("a",)),
        ("FROM unused AS x\nFROM a AS x\nFROM x", ("a",)),
        ("FROM unused AS x\nCOPY --from=other c d\nFROM a\nCOPY --from=b c d", ("a", "b")),
        ("FROM a AS x\nCOPY --from=y c d\nFROM b AS y\nFROM c\nCOPY --from=x e f", ("a", "b", "c")),
    ],
)
def test_what_no_stage_needs_may_be_left_out(text: str, found: tuple[str, ...]) -> None:
    assert named_images(read(text), {}, {}, None, every_stage=False) == found


def test_older_versions_copy_from_a_stage_after_the_target() -> None:
    text = "FROM a AS x\nCOPY --from=y c d\nFROM b AS y\nFROM unused"
    assert named_images(read(text), {}, {}, "x", every_stage=False) == ("a", "b")
