"""What a Dockerfile names as an image and cannot be one is found before the engine is asked."""

from __future__ import annotations

import pytest

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.images import named_images
from os2cli.snapshots.dockerfile.reading import read
from os2cli.snapshots.dockerfile.references import is_reference

DECLARE = "declare it above the first FROM: ARG V=VALUE"
PASS = "pass it: os2 snapshot local-docker --build-arg V=VALUE"
AS_STAGE = "use the name of a stage: FROM ${V} AS NAME"
NAMED = "use the name of a stage: FROM IMAGE AS NAME"
FORM = "write it as [HOST/]NAME[:TAG][@DIGEST], NAME in lower case"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("FROM x:${V}", "1: FROM x:${V} names no image, because V has no value", DECLARE),
        ("ARG V\nFROM x:$V", "2: FROM x:$V names no image, because V has no value", PASS),
        ("ARG V=\nFROM $V", "2: FROM $V names no image, because V has no value", PASS),
        ("FROM x:${V:?why}", "1: FROM x:${V:?why} requires V: why", DECLARE),
        ("ARG V\nFROM ${V?}", "2: FROM ${V?} requires V: it is not set", PASS),
        ("ARG V=\nFROM ${V:?why}", "2: FROM ${V:?why} requires V: why", PASS),
        ("FROM a AS b\nFROM x:$V AS c", "2, c: FROM x:$V names no image, because V has no value",
         DECLARE),
        ("FROM x\n\nCOPY --from=${V} a b",
         "3: COPY --from=${V}: builders expand no variables there", AS_STAGE),
        ("ARG V=x\nFROM x AS y\nRUN --mount=from=${V},target=/m ls",
         "3, y: RUN --mount=from=${V}: builders expand no variables there", AS_STAGE),
        ("FROM x\nCOPY --from=1 a b",
         "2: COPY --from=1: the Dockerfile has no stage of that number", NAMED),
        (f"FROM x\nCOPY --from={'9' * 5000} a b",
         f"2: COPY --from={'9' * 5000}: the Dockerfile has no stage of that number", NAMED),
        ("FROM x/Y:1", "1: FROM x/Y:1: invalid image 'x/Y:1'", FORM),
        ("ARG V=x:y:z\nFROM $V", "2: FROM $V: invalid image 'x:y:z'", FORM),
        ("FROM x\nCOPY --from=x/Y a b", "2: COPY --from: invalid image 'x/Y'", FORM),
        ("FROM x\nCOPY --from=-1 a b", "2: COPY --from: invalid image '-1'", FORM),
    ],
)  # fmt: skip
def test_the_line_and_what_is_missing_are_named(text: str, message: str, hint: str) -> None:
    line, _, rest = message.partition(": ")
    number, _, stage = line.partition(", ")
    where = f"line {number} of the Dockerfile" + (f", in stage {stage}" if stage else "")

    with pytest.raises(UsageError) as caught:
        named_images(read(text), {}, {}, None)

    assert caught.value.code == "dockerfile_invalid"
    assert caught.value.message == f"{where}: {rest}"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "FROM x:${V:-1}",
        "FROM x${V}",
        "FROM x${V:+:1}",
        'FROM "x"',
        "FROM x AS a__\nFROM A__\nCOPY --from=a__ b c",
        "FROM x AS a\nFROM y\nCOPY --from=0 b c",
        "FROM x AS a\nFROM y\nCOPY --from=+0 b c",
        "FROM x\nCOPY --from=late b c\nFROM y AS late",
        "FROM x\nCOPY --from= b c",
        "FROM x\nONBUILD COPY --from=$V b c",
    ],
)
def test_what_builders_take_is_left_to_them(text: str) -> None:
    named_images(read(text), {}, {}, None)


@pytest.mark.parametrize("text", ["FROM", "FROM x:${V", "ARG V=${W:?why}\nFROM x"])
def test_mistakes_in_other_words_are_left_to_the_builder(text: str) -> None:
    assert named_images(read(text), {}, {}, None) in ((), ("x",))


def test_a_frontend_may_know_better_and_no_name_is_an_image() -> None:
    text = "# syntax=own/frontend\nFROM x:${V}\nCOPY --from=$V a b\nCOPY --from=9 a b"
    assert named_images(read(text), {}, {}, None) == ("own/frontend",)


@pytest.mark.parametrize("image", [":::", "docker/Dockerfile:1", "${X}", '"docker/dockerfile:1"'])
def test_a_frontend_that_cannot_be_an_image_is_named_with_its_line(image: str) -> None:
    found = read(f"#!/bin/sh\n# syntax={image}\nFROM a\n")
    with pytest.raises(UsageError, match=r"^line 2 of the Dockerfile: # syntax=") as caught:
        named_images(found, {}, {}, None)
    assert "--base-image" not in str(caught.value.hint)
    with pytest.raises(UsageError, match=r"^--build-arg BUILDKIT_SYNTAX="):
        named_images(read("FROM a\n"), {"BUILDKIT_SYNTAX": image}, {}, None)
    # Of the builder before BuildKit, and of Podman's, it is a comment.
    assert named_images(found, {}, {}, None, has_frontends=False) == ("a",)


def test_what_follows_a_frontends_image_is_for_the_frontend() -> None:
    found = read("# syntax=docker/dockerfile:1 # the newest\nFROM a\n")
    assert named_images(found, {}, {}, None) == ("docker/dockerfile:1", "a")


def test_a_stage_that_is_not_built_is_read_where_the_builder_reads_it() -> None:
    text = "FROM x AS a\nFROM y:$V"
    assert named_images(read(text), {}, {}, "a") == ("x",)
    assert named_images(read(text), {}, {}, "a", every_stage=False) == ("x",)
    with pytest.raises(UsageError):
        named_images(read(text), {}, {}, "a", every_stage=False, reads_all=True)


@pytest.mark.parametrize(
    "name",
    [
        "x", "x/y", "x:1", "a.b/x", "a.b:5000/x/y:T.1-x_", "localhost/x", "[::1]:5000/x",
        f"x@sha256:{'a' * 64}", f"x:1@sha256:{'0' * 64}", "a--b/c__d.e", "Host/x", "f" * 64,
    ],
)  # fmt: skip
def test_a_reference(name: str) -> None:
    assert is_reference(name)


@pytest.mark.parametrize(
    "name", ["", "x:", "X", "x/Y", "x:1:2", "-x", "x y", "x@sha256:12", "$x", "x_", "x//y", "x:é"]
)
def test_not_a_reference(name: str) -> None:
    assert not is_reference(name)
