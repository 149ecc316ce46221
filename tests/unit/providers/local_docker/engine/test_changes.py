"""A change is made only if the engine says so in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.engine import Engine
from tests.engine_stub import EngineStub

# What os2 changes on an engine, and the statuses of the Engine API's document for it.
CHANGES: dict[str, tuple[Callable[[EngineClient], object], set[int]]] = {
    "create": (lambda client: client.create_container("image"), {201}),
    "start": (lambda client: client.start("a"), {204, 304}),
    "stop": (lambda client: client.stop("a", timeout=1), {204, 304}),
    "unpause": (lambda client: client.unpause("a"), {204}),
    "wait": (lambda client: client.wait("a"), {200}),
    "remove": (lambda client: client.remove_container("a", force=True), {204}),
    "create a network": (lambda client: client.create_network("a"), {201}),
    "remove a network": (lambda client: client.remove_network("a"), {204}),
    "create an execution": (lambda client: client.exec_create("a", ["true"]), {201}),
    "resize an execution": (lambda client: client.exec_resize("a", 1, 1), {200, 201}),
    "write a file": (lambda client: client.put_archive("a", "/", b""), {200}),
    "tag": (lambda client: client.tag("a/b", "c/d", "e"), {201}),
    "remove an image": (lambda client: client.remove_image("a/b:c"), {200}),
}
BODIES = {"create": {"Id": "a"}, "wait": {"StatusCode": 0}, "remove an image": []}
SUCCESSES = (200, 201, 202, 203, 204, 206, 304)
WRONG = [
    (change, status)
    for change, (_, documented) in CHANGES.items()
    for status in SUCCESSES
    if status not in documented
]
RIGHT = [(change, status) for change, (_, documented) in CHANGES.items() for status in documented]


class Answering(EngineStub):
    """An engine that answers each change in one way, and makes none."""

    status: int
    body: Any

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "GET":
            return super().answer(method, path, body)
        return self.status, b"" if self.status in (204, 304) else self.body


def answering(stub: EngineStub, status: int, body: Any) -> None:
    stub.__class__ = Answering
    stub.status, stub.body = status, body  # type: ignore[attr-defined]


def ask(engine: Engine, change: str) -> None:
    with engine.errors("changing it"):
        CHANGES[change][0](engine.client)


@pytest.mark.parametrize(("change", "status"), WRONG)
def test_another_success_is_an_error(
    stub: EngineStub, engine: Engine, change: str, status: int
) -> None:
    answering(stub, status, {"Id": "a", "StatusCode": 0})

    with pytest.raises(OperationFailed) as caught:
        ask(engine, change)

    assert caught.value.code == "engine_answer_invalid"
    assert str(status) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("change", "status"), RIGHT)
def test_the_documented_one_is_accepted(
    stub: EngineStub, engine: Engine, change: str, status: int
) -> None:
    body = {"Id": "a"} if status == 201 else b""
    answering(stub, status, BODIES.get(change, body))

    ask(engine, change)


def test_a_file_is_written_only_if_the_answer_is_empty(stub: EngineStub, engine: Engine) -> None:
    answering(stub, 200, {"Id": 7})

    with pytest.raises(OperationFailed) as caught:
        ask(engine, "write a file")

    assert caught.value.code == "engine_answer_invalid"


def test_a_change_that_no_document_has_is_not_believed(stub: EngineStub, engine: Engine) -> None:
    answering(stub, 200, {})

    with pytest.raises(OperationFailed), engine.errors("renaming it"):
        engine.client.rename("a", "b")
