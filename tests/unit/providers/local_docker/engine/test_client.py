"""What the client does with answers that no engine gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from os2cli.core.errors import Os2Error, UsageError
from os2cli.providers.local_docker.engine import client
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.engine.engine import Engine
from tests.engine_stub import HUGE_BYTES, EngineStub, Fault, engine_stub


@pytest.fixture(params=["TCP", "Unix socket"])
def stub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineStub]:
    file = tmp_path_factory.mktemp("s") / "s" if request.param == "Unix socket" else None
    with engine_stub(file) as stub:
        yield stub


def failure(engine: Engine) -> Os2Error:
    with pytest.raises(Os2Error) as caught, engine.errors("listing the machines"):
        engine.client.containers(all=True)
    return caught.value


def test_a_redirect_is_not_followed(engine: Engine, stub: EngineStub) -> None:
    stub.faults = {0: Fault.REDIRECT}

    error = failure(engine)

    assert error.code == "engine_answer_invalid"
    assert "it redirects to another address" in error.message
    assert stub.count == 1


def test_an_answer_has_a_limit(
    engine: Engine, stub: EngineStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", HUGE_BYTES // 2)
    stub.faults = {0: Fault.HUGE}

    assert "it is larger than 1 MB" in failure(engine).message


@pytest.mark.parametrize("fault", [Fault.HTML_ERROR, Fault.HUGE_ERROR])
def test_an_error_is_one_short_line(engine: Engine, stub: EngineStub, fault: Fault) -> None:
    stub.faults = {0: fault}

    message = failure(engine).message

    assert len(message) < 600
    assert "<" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault.EMPTY_OBJECT, "it is not a list"),
        (Fault.NULL, "it is not a list"),
        (Fault.HTML, "it is not JSON"),
        (Fault.DEEP, "it is not JSON"),
    ],
)
def test_a_wrong_shape_is_named(
    engine: Engine, stub: EngineStub, fault: Fault, problem: str
) -> None:
    stub.faults = {0: fault}

    error = failure(engine)

    assert (
        error.message == f"listing the machines failed: the engine's answer is invalid: {problem}"
    )
    assert error.hint


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.LOST_ANSWER, Fault.GARBAGE])
def test_an_engine_that_has_answered_before_is_lost(
    engine: Engine, stub: EngineStub, fault: Fault
) -> None:
    stub.faults = {0: fault}

    error = failure(engine)

    assert error.code == "engine_closed"
    assert error.message.startswith("lost the connection to the Docker engine at ")


def test_one_invalid_item_does_not_cost_the_list(engine: Engine, stub: EngineStub) -> None:
    stub.containers = {"good": {}, "bad id / with spaces": {}}

    assert [each["Id"] for each in engine.client.containers(all=True)] == ["good"]


@pytest.mark.parametrize("text", ["[]", '{"proxies": []}', '{"auths": ' + "[" * 100_000])
def test_a_configuration_of_docker_that_the_sdk_cannot_read_is_named(
    text: str, stub: EngineStub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    with pytest.raises(UsageError) as caught:
        connect(Endpoint(stub.url, "a test"))

    assert caught.value.code == "docker_config_invalid"
