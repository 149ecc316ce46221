"""What BuildKit is in a session: a gRPC client on a connection that is open already."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session import file_sync

SECONDS = 20.0


@contextmanager
def calling(wire: socket.socket, hung_up: threading.Event | None = None) -> Iterator[grpc.Channel]:
    """Yield a channel over a connection; both end with the block.

    ``hung_up`` is set when the other side ends the connection.
    """
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        address = str(Path(folder) / "s")
        listener.bind(address)
        listener.listen()
        with grpc.insecure_channel(f"unix:{address}") as channel:
            ready = grpc.channel_ready_future(channel)
            ours, _ = listener.accept()
            threads = [
                threading.Thread(target=_pump, args=each, daemon=True)
                for each in ((ours, wire, None), (wire, ours, hung_up))
            ]
            for thread in threads:
                thread.start()
            try:
                ready.result(SECONDS)
                yield channel
            finally:
                for end in (ours, wire):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                for thread in threads:
                    thread.join(SECONDS)
                ours.close()


def _pump(source: socket.socket, sink: socket.socket, ended: threading.Event | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
    if ended is not None:
        ended.set()


def call(channel: grpc.Channel, path: str, request: Any, answer: str) -> Any:
    """Return the answer of a method with one."""
    method: grpc.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_class(answer).FromString,
    )
    return method(request, timeout=SECONDS)


def secret(channel: grpc.Channel, name: str) -> bytes:
    """Return a secret."""
    request = message_class("GetSecretRequest")(ID=name)
    path = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
    return bytes(call(channel, path, request, "GetSecretResponse").data)


@dataclass(frozen=True, slots=True)
class Received:
    """An entry that was sent: its content is None unless it was asked for."""

    mode: int
    link: bytes
    content: bytes | None


def receive(
    channel: grpc.Channel, name: str, followed: Sequence[str] = (), known: Sequence[bytes] = ()
) -> dict[bytes, Received]:
    """Return the files of a directory by path, as BuildKit asks for them: all but those ``known``.

    Raises:
        ValueError: the server reports an error.
    """
    packet = message_class("Packet")
    stats: list[Any] = []
    contents: dict[int, bytes] = {}
    done = threading.Event()
    asking: list[Any] = []
    more = threading.Condition()

    def requests() -> Iterator[Any]:
        while True:
            with more:
                more.wait_for(lambda: asking or done.is_set(), SECONDS)
                if not asking:
                    return
                message = asking.pop(0)
            yield message

    def ask(message: Any) -> None:
        with more:
            asking.append(message)
            more.notify()

    method: grpc.StreamStreamMultiCallable[Any, Any] = channel.stream_stream(
        "/moby.filesync.v1.FileSync/DiffCopy",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=packet.FromString,
    )
    metadata = (("dir-name", name), *(("followpaths", path) for path in followed))
    answers = method(requests(), timeout=SECONDS, metadata=metadata)
    wanted = 0
    try:
        for answer in answers:
            if answer.type == file_sync.STAT and answer.stat.path:
                stats.append(answer.stat)
            elif answer.type == file_sync.STAT:
                for number, each in enumerate(stats):
                    if each.mode < 1 << 16 and each.path not in known:
                        wanted += 1
                        ask(packet(type=file_sync.REQUEST, ID=number))
                if not wanted:
                    ask(packet(type=file_sync.END))
            elif answer.type == file_sync.DATA and answer.data:
                contents[answer.ID] = contents.get(answer.ID, b"") + answer.data
            elif answer.type == file_sync.DATA:
                contents.setdefault(answer.ID, b"")
                wanted -= 1
                if not wanted:
                    ask(packet(type=file_sync.END))
            elif answer.type == file_sync.ERROR:
                raise ValueError(answer.data.decode())
            else:
                break
    finally:
        with more:
            done.set()
            more.notify()
    return {
        each.path: Received(each.mode, each.linkname, contents.get(number))
        for number, each in enumerate(stats)
    }
