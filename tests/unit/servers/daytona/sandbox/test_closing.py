"""A server that ends while it is in use leaves no connection, which another test would report."""

from __future__ import annotations

import gc
import socket
import warnings
from contextlib import ExitStack

import httpx
import pytest

from tests.daytona_server import DaytonaServer
from tests.serving import HOST

REQUEST = b"GET /api/config HTTP/1.1\r\nHost: x\r\n"
SENT = {"new": b"", "half": REQUEST, "idle": REQUEST + b"\r\n"}
# Some are accepted while the server ends.
CONNECTIONS = 300


@pytest.mark.parametrize("sent", SENT)
def test_no_connection_stays_open(sent: str) -> None:
    gc.collect()
    with ExitStack() as clients:
        with DaytonaServer() as server:
            address = (HOST, httpx.URL(server.origin).port)
            for _ in range(CONNECTIONS):
                clients.enter_context(socket.create_connection(address)).sendall(SENT[sent])
        with warnings.catch_warnings(record=True) as left:
            warnings.simplefilter("always")
            del server
            gc.collect()

    assert [str(each.message) for each in left] == []
