"""Every exception of the Docker SDK becomes an ``Os2Error`` that keeps its meaning."""

from __future__ import annotations

import inspect
import json
from types import ModuleType

import docker.errors
import pytest
import requests
import urllib3.exceptions
from requests import exceptions as requests_exceptions
from urllib3 import HTTPResponse

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error, TimedOut, Unreachable
from os2cli.providers.local_docker.base_image.failures import engine_errors
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import explained
from os2cli.providers.local_docker.engine.engine import Engine

DOING = "listing the machines"
ENDPOINT = Endpoint("tcp://engine.test:2375", "a test")


def every_sdk_error() -> list[type[Exception]]:
    """Return what a request through the SDK may raise, abstract classes included."""
    return [
        *classes_of(docker.errors, Exception),
        *classes_of(requests_exceptions, Exception),
        *classes_of(urllib3.exceptions, urllib3.exceptions.HTTPError),
    ]


def classes_of(module: ModuleType, base: type[Exception]) -> list[type[Exception]]:
    """Return the exceptions that a module defines, sorted by name."""
    package = module.__name__.partition(".")[0]
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, base) and not issubclass(kind, Warning)
        if kind.__module__.startswith(package)
    ]


def instance(kind: type[Exception]) -> Exception:
    """Return an exception of that class, with what its constructor takes."""
    if issubclass(kind, json.JSONDecodeError):  # its own constructor hides what it needs
        return kind("why", "", 0)
    values: dict[str, object] = {
        "response": response(500) if "docker" in kind.__module__ else HTTPResponse(b""),
        "length": b"5",
        "partial": 1,
        "expected": 2,
        "exit_status": 3,
    }
    needed = [
        parameter.name
        for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return kind(*(values.get(name, "why") for name in needed))


def response(status: int) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    return answer


def refusal(status: int, message: str) -> docker.errors.APIError:
    return docker.errors.APIError("", response=response(status), explanation=message)


def test_the_walk_finds_what_the_sdk_raises() -> None:
    names = {kind.__name__ for kind in every_sdk_error()}

    assert {"APIError", "StreamParseError", "ReadTimeout", "IncompleteRead"} <= names


@pytest.mark.parametrize("kind", every_sdk_error())
class TestEverySdkError:
    def test_a_request_turns_it_into_ours(self, kind: type[Exception]) -> None:
        with pytest.raises(Os2Error) as caught, Engine(ENDPOINT).errors(DOING):
            raise instance(kind)

        assert caught.value.__cause__ is not None

    def test_a_step_of_the_base_image_turns_it_into_ours(self, kind: type[Exception]) -> None:
        with pytest.raises(Os2Error, match="importing"), engine_errors("importing"):
            raise instance(kind)

    def test_the_first_request_turns_it_into_ours(self, kind: type[Exception]) -> None:
        with pytest.raises(Os2Error), explained(ENDPOINT):
            raise instance(kind)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (refusal(404, "No such container"), NotFound, "not_found"),
        (refusal(409, "removal in progress"), Conflict, "conflict"),
        (refusal(500, "write /data: no space left on device"), OperationFailed, "disk_full"),
        (refusal(500, "server error"), OperationFailed, "failed"),
        (requests_exceptions.ReadTimeout("60 s"), Unreachable, "engine_timeout"),
    ],
)
def test_a_request_keeps_the_cause(error: Exception, kind: type[Os2Error], code: str) -> None:
    with pytest.raises(kind) as caught, Engine(ENDPOINT).errors(DOING):
        raise error

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (refusal(500, "No space left on device"), OperationFailed, "disk_full"),
        (refusal(500, "exec format error"), OperationFailed, "base_unavailable"),
        (refusal(500, "server error"), OperationFailed, "base_failed"),
        (requests_exceptions.ReadTimeout("60 s"), TimedOut, "timed_out"),
        (requests_exceptions.ConnectionError("reset"), Unreachable, "unreachable"),
    ],
)
def test_a_step_of_the_base_image_keeps_the_cause(
    error: Exception, kind: type[Os2Error], code: str
) -> None:
    with pytest.raises(kind) as caught, engine_errors("importing"):
        raise error

    assert caught.value.code == code


def test_other_exceptions_pass() -> None:
    with pytest.raises(ZeroDivisionError), Engine(ENDPOINT).errors(DOING):
        raise ZeroDivisionError
