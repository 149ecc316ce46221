"""Machines on this host: the URL of each."""

from __future__ import annotations

import json
import socket
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.clock import EPOCH
from os2cli.core.errors import Conflict, UsageError
from os2cli.core.models import LOCAL_DOCKER, Machine, MachineState
from os2cli.host.ports import loopback_addresses
from os2cli.machines.names import validate_machine_name
from os2cli.providers.loopback import local_host, machine_url, published_address
from tests.serving import Quiet, http_server

BOTH = ("127.0.0.1", "::1")
LABEL = set(string.ascii_lowercase + string.digits + "-")


def resolve(host: str, port: Any = None, *_: Any, **__: Any) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port or 0))]


def fail(host: str, *_: Any, **__: Any) -> list[Any]:
    raise socket.gaierror(socket.EAI_NONAME, host)


def test_a_machine_has_a_host_of_its_own_where_the_system_resolves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    assert machine_url("Dev-1", 10123, BOTH) == "http://dev-1.localhost:10123"


def resolve_as_browsers_do(host: str, port: Any = None, *_: Any, **__: Any) -> list[Any]:
    """Names of this host lead to all of its loopback addresses, to IPv6's first."""
    if host in BOTH:
        return [(0, socket.SOCK_STREAM, 6, "", (host, port or 0))]
    assert host.rpartition(".")[2] == "localhost"
    return [(0, socket.SOCK_STREAM, 6, "", (each, port or 0)) for each in reversed(BOTH)]


@pytest.mark.parametrize("resolver", [resolve, resolve_as_browsers_do, fail])
@pytest.mark.parametrize("name", ["dev-1", "a_b", "a.b"])
def test_another_user_on_an_address_that_is_not_the_machine_s_gets_no_one(
    monkeypatch: pytest.MonkeyPatch, resolver: Any, name: str
) -> None:
    others = [each for each in loopback_addresses() if each != "127.0.0.1"]
    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    url = machine_url(name, 10123, ("127.0.0.1",))

    host = str(urlsplit(url).hostname)
    assert not {each[4][0] for each in resolve_as_browsers_do(host)} & set(others)


def test_elsewhere_it_is_on_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert machine_url("dev-1", 10123, BOTH) == "http://localhost:10123"


@pytest.mark.parametrize("name", ["a_b", "a.b", "v1.2", "a_b.c-d"])
def test_a_name_that_cannot_be_in_a_host_is_on_localhost(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    assert machine_url(name, 10123, BOTH) == "http://localhost:10123"


@given(st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=70))
def test_the_host_of_any_name_is_one_label_or_none(name: str) -> None:
    try:
        validate_machine_name(name)
    except UsageError:
        return

    host = local_host(name)

    if host is None:
        assert {"_", "."} & set(name)
    else:
        label = host.removesuffix(".localhost")
        assert set(label) <= LABEL
        assert label == name.lower()


@contextmanager
def machine_with_a_service(service: str, name: str, host: str) -> Iterator[Machine]:
    class Daemon(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            services = [{"name": service, "port": 3002, "hasWebUI": True}]
            body = json.dumps({"services": services}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with http_server(Daemon) as port:
        yield Machine(
            "1", name, LOCAL_DOCKER, "dev", MachineState.RUNNING, "image", "me", EPOCH,
            url=f"http://{host}:{port}", port=port,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("service", "name", "host", "url"),
    [
        ("web", "dev-1", "localhost", "http://web.localhost:"),
        # The machine wins its own name.
        ("dev-1", "dev-1", "localhost", "http://dev-1.dev-1.localhost:"),
        ("web", "a_b", "localhost", "http://web.localhost:"),
    ],
)
def test_a_service_has_a_host_that_is_not_the_machines(
    service: str, name: str, host: str, url: str
) -> None:
    with machine_with_a_service(service, name, host) as machine:
        address = published_address(machine, 3002, 5.0, None)

        assert address.url == f"{url}{machine.port}"


@pytest.mark.parametrize("isolated", [True, False])
def test_a_machine_without_a_name_has_none_for_its_services(*, isolated: bool) -> None:
    with (
        machine_with_a_service("web", "dev-1", "127.0.0.1") as machine,
        pytest.raises(Conflict) as caught,
    ):
        published_address(replace(machine, isolated=isolated), 3002, 5.0, None)

    assert caught.value.code == "port_not_published"
    assert "dev-1" in str(caught.value.hint)


def test_below_a_host_of_its_own_machines_share_no_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with machine_with_a_service("web", "dev-1", "dev-1.localhost") as machine:
        address = published_address(machine, 3002, 5.0, None)

        assert address.url == f"http://web.dev-1.localhost:{machine.port}"
