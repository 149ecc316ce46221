"""A gRPC server on a connection that is open already, and on which the engine is the client.

grpcio serves only what it listens to: a socket in a directory of this user's. What the connection
brings goes there, and back.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

# grpcio reports what ends a connection on stderr.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from os2cli.providers.local_docker.engine.hijacked import CHUNK_BYTES, Connection
from os2cli.providers.local_docker.images.session.service import Service

# Each mount of a step that runs has a call, which lasts as long as the step.
MAX_CALLS = 64


@contextmanager
def serving(connection: Connection, services: Sequence[Service]) -> Iterator[None]:
    """Answer the calls on a connection until the block ends."""
    # As short as can be: the path of a socket has at most 107 bytes.
    with TemporaryDirectory(prefix="os2-") as folder, ThreadPoolExecutor(MAX_CALLS) as pool:
        address = str(Path(folder) / "s")
        server = grpc.server(pool, options=[("grpc.max_receive_message_length", 64 * 1024)])
        for service in services:
            server.add_registered_method_handlers(service.name, dict(service.methods))
        server.add_insecure_port(f"unix:{address}")
        server.start()
        with socket.socket(socket.AF_UNIX) as ours:
            ours.connect(address)
            threads = [
                threading.Thread(target=_receive, args=(connection, ours), daemon=True),
                threading.Thread(target=_send, args=(ours, connection), daemon=True),
            ]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                with suppress(OSError):  # the engine was faster
                    connection.end()
                with suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)
                for thread in threads:
                    thread.join()
                server.stop(None).wait()


def _receive(connection: Connection, ours: socket.socket) -> None:
    with suppress(OSError):
        while data := connection.receive(CHUNK_BYTES):
            ours.sendall(data)
    with suppress(OSError):
        ours.shutdown(socket.SHUT_WR)


def _send(ours: socket.socket, connection: Connection) -> None:
    with suppress(OSError):
        while data := ours.recv(CHUNK_BYTES):
            connection.send(data)
    with suppress(OSError):
        connection.end()
