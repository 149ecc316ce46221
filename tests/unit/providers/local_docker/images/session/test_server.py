"""The session's gRPC server, called by a real HTTP/2 client as the engine calls it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from h2.settings import SettingCodes

from os2cli.providers.local_docker.engine.hijacked import Connection
from os2cli.providers.local_docker.images.session import health, secrets, services
from os2cli.providers.local_docker.images.session.calls import MAX_REQUEST_BYTES, framed
from tests.grpc_caller import Caller, secret_of, wanted

LARGE = bytes(range(256)) * 2000  # BuildKit's limit of a secret, and more than a window
SECRETS = {"npm": b"hunter2", "large": LARGE, "empty": b"", "é": b"accent"}


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A caller of a server that has ``SECRETS``, and whose thread ends with the connection."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(20)
    server = (Connection(ours, b""), services.methods(SECRETS))
    thread = threading.Thread(target=services.serve, args=server)
    thread.start()
    yield Caller(theirs)
    theirs.close()
    thread.join(20)
    assert not thread.is_alive()
    ours.close()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_handed_out(caller: Caller, name: str) -> None:
    assert secret_of(caller.call(secrets.METHOD, wanted(name))) == SECRETS[name]


def test_a_secret_larger_than_the_window_waits_for_the_other_side(caller: Caller) -> None:
    caller.http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})

    assert secret_of(caller.call(secrets.METHOD, wanted("large"))) == LARGE


def test_calls_may_overlap(caller: Caller) -> None:
    large = caller.request(secrets.METHOD, framed(wanted("large")))
    small = caller.request(secrets.METHOD, framed(wanted("npm")))

    assert secret_of(caller.wait(small)) == b"hunter2"
    assert secret_of(caller.wait(large)) == LARGE


def test_a_missing_secret_is_not_found(caller: Caller) -> None:
    answer = caller.call(secrets.METHOD, wanted("other"))

    assert (answer.status, answer.body) == (5, b"")
    assert answer.headers["grpc-message"] == "no secret other"


def test_it_is_healthy(caller: Caller) -> None:
    answer = caller.call(health.METHOD, b"")

    assert (answer.status, answer.body) == (0, b"\0\0\0\0\x02\x08\x01")


@pytest.mark.parametrize(
    "path", ["/moby.filesync.v1.Auth/Credentials", "/moby.sshforward.v1.SSH/CheckAgent", "/"]
)
def test_what_it_does_not_have_is_unimplemented(caller: Caller, path: str) -> None:
    assert caller.call(path, b"").status == 12


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 13),
        (b"\0\0\0", 13),
        (b"\0\0\0\0\5abc", 13),
        (framed(wanted("npm")) * 2, 13),
        (b"\1\0\0\0\1a", 12),
        (framed(b"\xff\xff\xff"), 3),
        (framed(b"x" * MAX_REQUEST_BYTES), 8),
    ],
)
def test_a_malformed_request_is_an_error_of_that_call(
    caller: Caller, body: bytes, status: int
) -> None:
    assert caller.wait(caller.request(secrets.METHOD, body)).status == status
    assert secret_of(caller.call(secrets.METHOD, wanted("npm"))) == b"hunter2"


def test_a_cancelled_call_is_forgotten(caller: Caller) -> None:
    for end in (True, False):
        stream = caller.request(secrets.METHOD, framed(wanted("large")), end=end)
        caller.http.reset_stream(stream)

    assert secret_of(caller.call(secrets.METHOD, wanted("npm"))) == b"hunter2"


def test_what_is_not_http_2_ends_the_session(caller: Caller) -> None:
    caller.wire.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100)

    # The fixture checks that the thread ends without an error.
    assert caller.wire.recv(65536)
