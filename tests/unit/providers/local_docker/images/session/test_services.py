"""The services of a session, called by a real gRPC client as the engine calls them."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from os2cli.core.errors import Os2Error
from os2cli.providers.local_docker.engine.hijacked import Connection
from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session import (
    FileSync,
    credentials,
    health,
    secrets,
    ssh_agent,
)
from os2cli.providers.local_docker.images.session.server import serving
from os2cli.providers.local_docker.images.session.ssh_agent import CHUNK_BYTES
from os2cli.snapshots.context import collect, with_clean_git
from tests.grpc_caller import call, calling, receive, secret

LARGE = bytes(range(256)) * 2000  # BuildKit's limit of a secret
SECRETS = {"npm": b"hunter2", "large": LARGE, "empty": b"", "é": b"accent"}
LOGINS = {"private.example": ("user", "word"), "token.example": ("", "identity")}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "Dockerfile").write_text("FROM scratch\n")
    (tree / "sub/a").write_bytes(LARGE)
    (tree / "sub/empty").write_bytes(b"")
    (tree / "sub-b").write_text("sorted by the parts of its path")
    (tree / "link").symlink_to("sub")
    return tree


@pytest.fixture
def files(tree: Path) -> FileSync:
    return FileSync(collect(tree, Path("Dockerfile")))


@pytest.fixture
def channel(files: FileSync, tmp_path: Path) -> Iterator[grpc.Channel]:
    """A channel to a server that has all services."""
    ours, theirs = socket.socketpair()
    services = [
        health.service(),
        files.service(),
        secrets.service(SECRETS),
        credentials.service(lambda host: LOGINS.get(host, ("", ""))),
        ssh_agent.service({"default": tmp_path / "agent", "gone": tmp_path / "gone"}),
    ]
    with (
        ours,
        theirs,
        serving(Connection(ours, b""), services),
        calling(theirs) as channel,
    ):
        yield channel


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_handed_out(channel: grpc.Channel, name: str) -> None:
    assert secret(channel, name) == SECRETS[name]


def test_a_missing_secret_is_not_found(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        secret(channel, "other")

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_it_is_healthy(channel: grpc.Channel) -> None:
    request = message_class("HealthCheckRequest")()
    answer = call(channel, "/grpc.health.v1.Health/Check", request, "HealthCheckResponse")

    assert answer.status == 1


@pytest.mark.parametrize(("host", "login"), [*LOGINS.items(), ("other.example", ("", ""))])
def test_a_login_is_handed_out(channel: grpc.Channel, host: str, login: tuple[str, str]) -> None:
    request = message_class("CredentialsRequest")(Host=host)
    answer = call(channel, "/moby.filesync.v1.Auth/Credentials", request, "CredentialsResponse")

    assert (answer.Username, answer.Secret) == login


@pytest.mark.parametrize("path", ["/moby.filesync.v1.Auth/FetchToken", "/moby.filesync.v1.X/Y"])
def test_what_it_does_not_have_is_unimplemented(channel: grpc.Channel, path: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, path, message_class("CredentialsRequest")(), "CredentialsResponse")

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


class TestFiles:
    def test_all_are_sent_in_the_order_of_their_parts(self, channel: grpc.Channel) -> None:
        sent = receive(channel, "context")

        assert [*sent] == [b"Dockerfile", b"link", b"sub", b"sub/a", b"sub/empty", b"sub-b"]
        assert sent[b"sub/a"].content == LARGE
        assert sent[b"sub/empty"].content == b""
        assert sent[b"link"].link == b"sub"
        assert sent[b"sub"].mode >> 31

    def test_what_is_known_is_not_sent_again(self, channel: grpc.Channel) -> None:
        sent = receive(channel, "context", known=[b"sub/a"])

        assert sent[b"sub/a"].content is None
        assert sent[b"sub-b"].content

    def test_only_what_is_copied_is_listed(self, channel: grpc.Channel) -> None:
        assert [*receive(channel, "context", ["link/a"])] == [b"link", b"sub", b"sub/a"]
        assert [*receive(channel, "context", ["nothing"])] == []

    def test_a_file_that_changed_ends_the_build(
        self, channel: grpc.Channel, files: FileSync, tree: Path
    ) -> None:
        (tree / "sub-b").write_text("longer than before, by some characters")

        with pytest.raises(ValueError, match="sub-b"):
            receive(channel, "context")
        assert isinstance(files.failure, Os2Error)


class TestSshAgent:
    def test_what_is_said_goes_both_ways(self, channel: grpc.Channel, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.bind(str(tmp_path / "agent"))
            agent.listen()
            threading.Thread(target=_echo, args=(agent,), daemon=True).start()
            message = message_class("BytesMessage")
            method: grpc.StreamStreamMultiCallable[Any, Any] = channel.stream_stream(
                "/moby.sshforward.v1.SSH/ForwardAgent",
                request_serializer=lambda each: each.SerializeToString(),
                response_deserializer=message.FromString,
            )
            pieces = [LARGE[at : at + CHUNK_BYTES] for at in range(0, len(LARGE), CHUNK_BYTES)]
            sent = iter([message(data=data) for data in pieces])
            answers = method(sent, timeout=20, metadata=(("buildkit.ssh.id", "default"),))

            assert b"".join(each.data for each in answers) == LARGE

    @pytest.mark.parametrize(("name", "there"), [("", True), ("default", True), ("other", False)])
    def test_one_is_there_or_not_found(self, channel: grpc.Channel, name: str, there: bool) -> None:
        request = message_class("CheckAgentRequest")(ID=name)
        path = "/moby.sshforward.v1.SSH/CheckAgent"
        if there:
            call(channel, path, request, "CheckAgentResponse")
            return
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, path, request, "CheckAgentResponse")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def _echo(agent: socket.socket) -> None:
    connection, _ = agent.accept()
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def test_what_is_not_http_2_ends_the_session() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, serving(Connection(ours, b""), [health.service()]):
        theirs.settimeout(20)
        theirs.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100)
        while theirs.recv(65536):
            pass


def test_a_clean_git_is_sent_like_other_files(tree: Path) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *who, *command], cwd=tree, check=True)
    ours, theirs = socket.socketpair()
    with (
        ours,
        theirs,
        with_clean_git(collect(tree, Path("Dockerfile"), with_git=True)) as context,
        serving(Connection(ours, b""), [FileSync(context).service()]),
        calling(theirs) as channel,
    ):
        everything = receive(channel, "context")
        only = receive(channel, "context", followed=[".git"])

    assert (everything[b".git/HEAD"].content or b"").startswith(b"ref: refs/heads/")
    assert b"sub/a" in everything
    assert {path.split(b"/")[0] for path in only} == {b".git"}
