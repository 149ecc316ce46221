"""What os2 reads and writes in a Dockerfile means the same to Docker's two builders."""

from __future__ import annotations

import base64
import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from os2cli.providers.daytona.dockerfile import (
    check,
    entrypoint,
    with_arguments,
    with_plain_entrypoint,
)
from tests.engine import engine_endpoint, sandbox_image

pytestmark = pytest.mark.engine

Build = Callable[..., dict[str, Any]]

HARD_VALUES = (
    "",
    "plain-1.0",
    " leading and trailing ",
    "\ttab\t",
    '"double"',
    "it's 'single'",
    '"',
    "'",
    "$HOME ${HOME} $$ $",
    "${unclosed",
    "C:\\new\\",
    "\\",
    "\\\\",
    '\\"\\$\\`',
    "`date` $(date)",
    "`",
    '``"`$',
    "a=b #c",
    "# c",
    "<<EOF",
    "--flag=x",
    '["json"]',
    "{curly} [square] *?",
    "grüße 😀 \u2028\u00a0\ufeff",
)


@pytest.fixture
def mark() -> str:
    """The label of this test's images."""
    return f"os2-test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["classic", "buildkit"])
def build(request: pytest.FixtureRequest, engine: docker.APIClient, mark: str) -> Iterator[Build]:
    """Build a Dockerfile with one of the builders, and return the image's configuration.

    Stages that are not part of the image are removed at the end if ``mark`` is their label.
    """
    tags: list[str] = []
    client = docker.APIClient(base_url=engine_endpoint().url, version="auto")
    if request.param == "buildkit":
        client.params = {"version": "2"}

    def run(text: str, **options: Any) -> dict[str, Any]:
        tags.append(f"{mark}:{len(tags)}")
        stream = io.BytesIO(text.encode())
        for event in client.build(
            fileobj=stream,
            tag=tags[-1],
            decode=True,
            nocache=True,
            rm=True,
            forcerm=True,
            **options,
        ):
            assert "error" not in event, event
        config: dict[str, Any] = engine.inspect_image(tags[-1])["Config"]
        # The classic builder notes the step before the last.
        return config | {"Image": ""}

    yield run
    client.close()
    for tag in tags:
        if engine.images(tag):
            engine.remove_image(tag, force=True)
    for image in engine.images(filters={"dangling": True, "label": mark}):
        engine.remove_image(image["Id"], force=True)


def as_daytona_reads(text: str) -> list[str]:
    """Return what its API reads: the last match, as one word unless it is a JSON array."""
    found = re.findall(r"ENTRYPOINT\s+([^\n\r\u2028\u2029]*)", text)
    try:
        return list(json.loads(found[-1])) if found else ["sleep", "infinity"]
    except ValueError:
        return [re.sub("[\"']", "", found[-1])]


@pytest.mark.parametrize("escape", ["\\", "`"])
def test_a_default_is_read_as_the_value_was(build: Build, escape: str) -> None:
    values = {f"V{number}": value for number, value in enumerate(HARD_VALUES)}
    names = list(values)
    text = f"# escape={escape}\nFROM scratch\n"
    for first in range(0, len(names), 6):
        some = names[first : first + 6]
        forms = ("{}", "{}=", "{}='a b'", '{}="a b"', "{}=" + 2 * escape, "{}=a" + escape + "\nb")
        words = [form.format(name) for form, name in zip(forms, some, strict=True)]
        text += "ARG " + f" {escape}\n # comment\n  ".join(words) + "\n"
        text += "LABEL " + " ".join(f"{name}=${{{name}}}" for name in some) + "\n"

    labels = build(with_arguments(text, values))["Labels"]

    assert labels == values == build(text, buildargs=values)["Labels"]


def test_a_default_chooses_the_base_and_reaches_the_steps(build: Build) -> None:
    value = " \\ \"x\" 'y' $HOME `z` "
    expected = base64.b64encode(value.encode()).decode()
    text = (
        f'ARG BASE=nowhere\nFROM $BASE\nARG X\nRUN test "$(printf %s "$X" | base64)" = {expected}\n'
    )

    build(with_arguments(text, {"BASE": sandbox_image(), "X": value}))


OTHER_STAGE = '\nFROM scratch AS t\nLABEL MARK=1\nENTRYPOINT ["t"]\n'
ENTRYPOINTS = {
    "on several lines": 'ENTRYPOINT ["a", \\\n # no\n\n "b"]',
    "lower case": 'entrypoint ["a"]',
    "shell": "ENTRYPOINT node  server.js \\\n   --x 'y z' $HOME",
    "shell of its own": 'SHELL ["bash", "-lc"]\nENTRYPOINT a "b"\nSHELL ["zsh"]\nLABEL x=1',
    "command before": 'CMD ["c"]\nENTRYPOINT a',
    "command after": "ENTRYPOINT a\nCMD b",
    "earlier stage": f'ENTRYPOINT ["a"]\nCMD b{OTHER_STAGE}FROM s',
    "earlier stage and command": 'ENTRYPOINT a\nCMD b\nFROM s\nCMD ["c"]',
    "stage by argument": f'ENTRYPOINT ["a"]{OTHER_STAGE}FROM $S',
    "stage by default": 'entrypoint ["a"]\nCMD b\nFROM ${T:-s}\nLABEL x=1',
    "comment after": 'ENTRYPOINT ["a"]\n# was ENTRYPOINT',
    "open end": "ENTRYPOINT a\nLABEL x=1 \\\n  \\\n\n# end",
    "escaped end": "ENTRYPOINT a \\\\\nCMD b",
    "not JSON": "ENTRYPOINT ['a']",
}


@pytest.mark.parametrize("case", ENTRYPOINTS)
def test_a_plain_entrypoint_changes_nothing_but_what_daytona_reads(
    build: Build, mark: str, case: str
) -> None:
    text = f"ARG S=s\nFROM scratch AS s\nLABEL MARK=1\n{ENTRYPOINTS[case]}\n".replace("MARK", mark)
    plain = with_plain_entrypoint(text)

    check(text)
    before, after = build(text), build(plain)

    assert before == after
    assert as_daytona_reads(plain) == before["Entrypoint"] != as_daytona_reads(text)


@pytest.mark.parametrize("reset", ["FROM s\nENTRYPOINT []", "ENTRYPOINT [ ]", "FROM scratch"])
def test_a_reset_entrypoint_is_none(build: Build, mark: str, reset: str) -> None:
    text = f"FROM scratch AS s\nLABEL {mark}=1\nENTRYPOINT a\n{reset}\nLABEL x=1\n"

    assert entrypoint(text) is build(text)["Entrypoint"] is None
