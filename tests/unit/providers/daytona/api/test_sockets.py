"""A real connection to a peer on loopback that breaks off, is silent or speaks no HTTP."""

from __future__ import annotations

import socket
import time as real_time
from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed, Unreachable, UsageError
from os2cli.providers.daytona.api.errors import LostAnswer, WayBlocked
from os2cli.providers.daytona.api.retry import RetryPolicy
from tests.clock import Time
from tests.unit.providers.daytona.certificate import unknown_server
from tests.unit.providers.daytona.wires import (
    DEADLINE_SECONDS,
    DOING,
    KEY,
    Peer,
    Talk,
    client_for,
    failure,
    http,
    peer,
    says,
)

SHORT = RetryPolicy(attempts=4, answer_seconds=0.2, connect_seconds=1.0)


def hangs(after: bytes) -> Talk:
    """Send the beginning of an answer, then nothing until the test is over."""

    def talk(server: Peer, connection: socket.socket, request: str) -> None:
        connection.sendall(after)
        server.ended.wait(DEADLINE_SECONDS)

    return talk


BEGINNINGS = {
    "nothing": b"",
    "half a status": b"HTTP/1.",
    "half the headers": b"HTTP/1.1 200 OK\r\nContent-Type: app",
    "half the body": http(b'{"a": 1}')[:-3],
    "half a chunk": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"a"',
}
BROKEN = {
    **BEGINNINGS,
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
}


class TestBrokenOff:
    @pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
    def test_a_read_is_tried_again_and_told(self, sent: bytes) -> None:
        time = Time()
        with peer(says(sent)) as server, client_for(server.address, time) as client:
            error = failure(client)

        assert (type(error), error.code) == (Unreachable, "unreachable")
        assert (len(server.requests), time.slept) == (4, [0.3, 0.9, 2.7])

    @pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
    def test_a_create_is_sent_once(self, sent: bytes) -> None:
        with peer(says(sent)) as server, client_for(server.address) as client:
            error = failure(client, "POST")

        assert (type(error), len(server.requests)) == (LostAnswer, 1)

    def test_the_next_answer_counts(self) -> None:
        answers = [http(b'{"a"')[:-2], http(b'{"a": 1}')]

        def talk(server: Peer, connection: socket.socket, request: str) -> None:
            connection.sendall(answers.pop(0))

        with peer(talk) as server, client_for(server.address) as client:
            assert client.get("/thing", doing=DOING) == {"a": 1}

    def test_a_whole_body_that_is_half_a_json_is_not_asked_for_again(self) -> None:
        with peer(says(http(b'{"a": '))) as server, client_for(server.address) as client:
            error = failure(client)

        assert (type(error), error.code) == (OperationFailed, "answer_invalid")
        assert len(server.requests) == 1


class TestSilence:
    @pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
    def test_ends_within_the_policy(self, sent: bytes) -> None:
        began = real_time.monotonic()
        with peer(hangs(sent)) as server, client_for(server.address) as client:
            error = failure(client, "GET", SHORT)
            took = real_time.monotonic() - began

        assert (type(error), len(server.requests)) == (Unreachable, 2)
        assert error.message.endswith(": timed out")
        assert 0.4 <= took < DEADLINE_SECONDS / 2

    @pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
    def test_of_a_create_is_a_lost_answer(self, sent: bytes) -> None:
        with peer(hangs(sent)) as server, client_for(server.address) as client:
            error = failure(client, "POST", SHORT)

        assert (type(error), len(server.requests)) == (LostAnswer, 1)

    def test_between_the_pieces_of_a_slow_answer_counts_alone(self) -> None:
        def talk(server: Peer, connection: socket.socket, request: str) -> None:
            for byte in http(b'{"a": "long"}'):
                connection.sendall(bytes([byte]))
                server.ended.wait(0.005)

        policy = replace(SHORT, answer_seconds=0.25)
        with peer(talk) as server, client_for(server.address) as client:
            assert client.get("/thing", doing=DOING, policy=policy) == {"a": "long"}

        assert len(server.requests) == 1


class TestNobody:
    @pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
    def test_at_that_port_is_reported(self, method: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        time = Time()

        with client_for(f"http://127.0.0.1:{port}", time) as client:
            error = failure(client, method)

        assert (type(error), error.exit_code) == (Unreachable, 8)
        assert f"cannot reach 127.0.0.1:{port}: " in error.message
        assert "Connection refused" in error.message
        assert time.slept == [0.3, 0.9, 2.7]

    def test_who_takes_connections_ends_within_the_policy(self) -> None:
        """The queue of connections is full: the next one is neither taken nor refused."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
            port = server.getsockname()[1]
            queued = [socket.socket() for _ in range(4)]
            try:
                for connection in queued:
                    connection.setblocking(False)
                    connection.connect_ex(("127.0.0.1", port))
                with client_for(f"http://127.0.0.1:{port}") as client:
                    error = failure(client, "GET", replace(SHORT, connect_seconds=0.2))
            finally:
                for connection in queued:
                    connection.close()

        assert error.message.endswith(": timed out")


class TestSomebodyElse:
    def test_who_is_named_by_a_redirect_gets_no_request(self) -> None:
        with peer(says(http(b"{}"))) as other:
            head = f"HTTP/1.1 302 Found\r\nLocation: {other.address}/api\r\nContent-Length: 0"
            with (
                peer(says(f"{head}\r\nConnection: close\r\n\r\n".encode())) as server,
                client_for(server.address) as client,
            ):
                error = failure(client)

        assert (type(error), error.code) == (UsageError, "api_url_wrong")
        assert (len(server.requests), other.requests) == (1, [])

    def test_a_proxy_is_not_told_what_is_for_this_computer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with peer(says(http(b"{}"))) as proxy, peer(says(http(b"{}"))) as server:
            port = server.port
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.address)
            named = f"http://daytona.localhost:{port}"
            for address in (server.address, named):
                with client_for(address) as client:
                    client.get("/thing", doing=DOING)

        assert proxy.requests == []
        assert [KEY in request for request in server.requests] == [True, True]
        assert f"Host: daytona.localhost:{port}\r\n" in server.requests[1]


class TestCertificates:
    def test_of_an_unknown_authority_are_refused_with_what_helps(self, tmp_path: Path) -> None:
        tls, _ = unknown_server(tmp_path)
        with peer(says(http(b"{}")), tls) as server, client_for(server.address) as client:
            error = failure(client)

        assert (type(error), error.code) == (WayBlocked, "unreachable")
        assert "CERTIFICATE_VERIFY_FAILED" in error.message
        assert "SSL_CERT_FILE" in (error.hint or "")
        assert server.requests == []

    def test_of_an_authority_in_ssl_cert_file_are_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tls, certificate = unknown_server(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with peer(says(http(b'{"a": 1}')), tls) as server, client_for(server.address) as client:
            assert client.get("/thing", doing=DOING) == {"a": 1}
