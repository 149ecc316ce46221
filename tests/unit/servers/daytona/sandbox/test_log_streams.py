"""Logs that are followed, with a real client of WebSockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until

SDK = {"X-Daytona-SDK-Version": "0.190.0"}
OUT, ERR = b"\x01\x01\x01", b"\x02\x02\x02"
Open = Callable[..., ClientConnection]


@pytest.fixture
def session(api: httpx.Client, toolbox: str) -> str:
    """Return a session."""
    base = f"{toolbox}/process/session"
    assert api.post(base, json={"sessionId": "mine"}).status_code == 201
    return f"{base}/mine"


@pytest.fixture
def entrypoint(toolbox: str) -> str:
    """Return the address of the entry point's log."""
    return f"{toolbox}/process/session/entrypoint/logs"


@pytest.fixture
def home(server: DaytonaServer, api: httpx.Client) -> Path:
    """Return the home directory of the sandbox."""
    return server.home("one")


@contextmanager
def following(
    server: DaytonaServer, url: str, query: str = "?follow=true", **headers: str
) -> Iterator[ClientConnection]:
    """Open a WebSocket with the server's key."""
    login = {"Authorization": f"Bearer {server.api_key}", **headers}
    address = url.replace("http://", "ws://") + query
    with connect(address, additional_headers=login, proxy=None) as socket:
        yield socket


def run(api: httpx.Client, session: str, command: str) -> str:
    """Start a command; gives its address."""
    body = {"command": command, "runAsync": True}
    return f"{session}/command/{api.post(f'{session}/exec', json=body).json()['cmdId']}"


def rest(socket: ClientConnection) -> bytes:
    """Return all that comes up to a normal end."""
    data = b""
    # It raises for every other end.
    for frame in socket:
        assert isinstance(frame, bytes)
        data += frame
    return data


def some(socket: ClientConnection, length: int) -> bytes:
    """Return the next of it."""
    data = b""
    while len(data) < length:
        frame = socket.recv(timeout=20)
        assert isinstance(frame, bytes)
        data += frame
    return data


class TestCommand:
    def test_what_it_goes_on_to_write_up_to_its_end(
        self, server: DaytonaServer, api: httpx.Client, session: str, home: Path
    ) -> None:
        command = run(api, session, "echo first; until test -e go; do sleep 0.01; done; echo e >&2")
        with following(server, f"{command}/logs", **SDK) as socket:
            assert some(socket, 9) == OUT + b"first\n"
            (home / "go").touch()
            assert rest(socket) == ERR + b"e\n"
        assert api.get(command).json()["exitCode"] == 0

    def test_one_that_has_ended(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        command = run(api, session, "echo out")
        until(lambda: "exitCode" in api.get(command).json())
        with following(server, f"{command}/logs", **SDK) as socket:
            assert rest(socket) == OUT + b"out\n"

    def test_without_follow_it_is_what_there_is(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        command = run(api, session, "echo out; sleep 600")
        until(lambda: api.get(f"{command}/logs").text == "out\n")
        with following(server, f"{command}/logs", "", **SDK) as socket:
            assert rest(socket) == OUT + b"out\n"

    def test_without_marks_for_who_does_not_know_them(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        command = run(api, session, r"printf 'a\001\001b\001\n\002\n'; sleep 0.1; echo e >&2")
        with following(server, f"{command}/logs") as socket:
            assert rest(socket) == b"a\x01\x01b\x01\n\x02\ne\n"

    def test_the_version_may_be_a_protocol(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        command = run(api, session, "echo out")
        name = "X-Daytona-SDK-Version~0.190.0"
        with connect(
            f"{command}/logs?follow=true".replace("http://", "ws://"),
            additional_headers={"Authorization": f"Bearer {server.api_key}"},
            subprotocols=["other", name],  # type: ignore[list-item]
            proxy=None,
        ) as socket:
            assert socket.subprotocol == name
            assert rest(socket) == OUT + b"out\n"

    def test_a_large_one_comes_exactly_and_is_counted(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        command = run(api, session, "seq -f %0100.0f 20000")
        with following(server, f"{command}/logs", **SDK) as socket:
            got = rest(socket)
        assert len(got) == 20000 * 104
        (request,) = [each for each in server.requests if each.status == 101]
        assert len(got) < request.sent <= 1.01 * len(got)

    def test_the_end_of_the_session_is_the_end(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        command = run(api, session, "echo out; sleep 600")
        with following(server, f"{command}/logs", **SDK) as socket:
            assert some(socket, 7) == OUT + b"out\n"
            api.delete(session)
            assert rest(socket) == b""

    @pytest.mark.parametrize("end", ["sandbox", "server"])
    def test_another_end_cuts_it(
        self, server: DaytonaServer, api: httpx.Client, session: str, end: str
    ) -> None:
        command = run(api, session, "echo out; sleep 600")
        with following(server, f"{command}/logs", **SDK) as socket:
            assert some(socket, 7) == OUT + b"out\n"
            if end == "sandbox":
                api.post("/sandbox/one/stop")
            else:
                server.__exit__(None, None, None)
            with pytest.raises(ConnectionClosedError) as closed:
                socket.recv(timeout=20)
            assert closed.value.rcvd is None or end == "server"

    def test_pings_are_answered_and_texts_are_not_listened_to(
        self, server: DaytonaServer, api: httpx.Client, session: str, home: Path
    ) -> None:
        command = run(api, session, "until test -e go; do sleep 0.01; done; echo out")
        with following(server, f"{command}/logs", **SDK) as socket:
            assert socket.ping("still there?").wait(20)
            socket.send("not listened to")
            assert socket.ping().wait(20)
            (home / "go").touch()
            assert rest(socket) == OUT + b"out\n"

    @pytest.mark.parametrize("end", ["command", "session"])
    def test_over_http_the_runner_passes_it_on(
        self, api: httpx.Client, session: str, home: Path, end: str
    ) -> None:
        command = run(api, session, "echo out; until test -e go; do sleep 0.01; done; echo e >&2")
        query = {"follow": "true"}
        with api.stream("GET", f"{command}/logs", params=query, headers=SDK) as answer:
            assert answer.headers["content-type"] == "application/octet-stream"
            parts = answer.iter_bytes()
            assert next(parts) == b"out\n"
            if end == "command":
                (home / "go").touch()
            else:
                api.delete(session)
            assert b"".join(parts) == (b"e\n" if end == "command" else b"")

    def test_over_http_of_one_that_is_not_there(self, api: httpx.Client, session: str) -> None:
        answer = api.get(f"{session}/command/none/logs", params={"follow": "true"})
        assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


class TestEntrypoint:
    def test_what_it_goes_on_to_write_until_the_sandbox_stops(
        self, server: DaytonaServer, entrypoint: str
    ) -> None:
        sandbox = server.sandbox("one")
        sandbox.log[:] = ["one"]
        with following(server, entrypoint) as socket:
            assert some(socket, 7) == OUT + b"one\n"
            sandbox.log += ["two", ERR + b"bad\n"]
            assert some(socket, 14) == OUT + b"two\n" + ERR + b"bad\n"
            sandbox.state = "stopped"
            with pytest.raises(ConnectionClosedError):
                socket.recv(timeout=20)

    def test_without_follow_it_is_what_there_is(
        self, server: DaytonaServer, entrypoint: str
    ) -> None:
        server.sandbox("one").log[:] = ["one"]
        with following(server, entrypoint, "") as socket:
            assert rest(socket) == OUT + b"one\n"

    def test_over_http_it_is_not_followed(
        self, server: DaytonaServer, api: httpx.Client, entrypoint: str
    ) -> None:
        server.sandbox("one").log[:] = ["one"]
        answer = api.get(entrypoint, params={"follow": "true"})
        assert answer.json()["stdout"] == "one\n"


class TestRefusals:
    @pytest.mark.usefixtures("session")
    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("session/none/command/x/logs", 404, "NOT_FOUND"),
            ("session/mine/command/x/logs", 404, "NOT_FOUND"),
        ],
    )
    def test_what_is_not_there(
        self, server: DaytonaServer, toolbox: str, path: str, status: int, code: str
    ) -> None:
        with (
            pytest.raises(InvalidStatus) as refused,
            following(server, f"{toolbox}/process/{path}"),
        ):
            pass
        response = refused.value.response
        assert (response.status_code, code in response.body.decode()) == (status, True)

    def test_a_wrong_key_and_a_sandbox_that_does_not_run(
        self, server: DaytonaServer, entrypoint: str
    ) -> None:
        with (
            pytest.raises(InvalidStatus) as refused,
            following(server, entrypoint, Authorization="Bearer wrong"),
        ):
            pass
        assert refused.value.response.status_code == 401
        server.sandbox("one").state = "stopped"
        with pytest.raises(InvalidStatus) as refused, following(server, entrypoint):
            pass
        assert refused.value.response.status_code == 400
        assert b"no IP address found" in refused.value.response.body


class TestFaults:
    @pytest.mark.parametrize("status", [429, 502, 503])
    def test_an_answer_instead(self, server: DaytonaServer, entrypoint: str, status: int) -> None:
        server.fail_next("GET", "/toolbox/.*/logs", Fault(status=status, headers={"X-A": "b"}))
        with pytest.raises(InvalidStatus) as refused, following(server, entrypoint):
            pass
        assert refused.value.response.status_code == status
        assert refused.value.response.headers["X-A"] == "b"
        with following(server, entrypoint, ""):
            pass

    @pytest.mark.parametrize("fault", [Fault(drop=True), Fault(hang=0.05)])
    def test_a_connection_that_is_dropped(
        self, server: DaytonaServer, entrypoint: str, fault: Fault
    ) -> None:
        server.fail_next("GET", "/toolbox/.*/logs", fault)
        with pytest.raises(InvalidMessage), following(server, entrypoint):
            pass

    def test_one_that_is_cut_in_the_middle(self, server: DaytonaServer, entrypoint: str) -> None:
        server.sandbox("one").log[:] = ["0123456789"]
        server.fail_next("GET", "/toolbox/.*/logs", Fault(cut=8))
        with following(server, entrypoint) as socket:
            assert socket.recv(timeout=20) == OUT + b"01234"
            with pytest.raises(ConnectionClosedError):
                socket.recv(timeout=20)
