"""The way to the object store: proxies, this computer's names, and stores that are out of reach."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from os2cli.core.errors import OperationFailed, Os2Error, Unreachable
from os2cli.providers.daytona.api.wire import StorageAccess
from os2cli.providers.daytona.snapshots.object_store_access import connect, explained
from tests.certificates import DAY, Authority, TlsFront
from tests.proxies import PASSWORD, USER, HttpProxy, SocksProxy, closed_port

SECRETS = ("hush", quote(PASSWORD, ""))


@pytest.fixture(scope="module")
def moto() -> Iterator[int]:
    """The port of an S3 interface with a bucket."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    assert httpx.put(f"http://127.0.0.1:{port}/builds", timeout=10).is_success
    yield port
    server.stop()


def access(url: str) -> StorageAccess:
    return StorageAccess.model_validate(
        {
            "accessKey": "AKIA",
            "secret": "hush-secret",
            "sessionToken": "hush-token",
            "storageUrl": url,
            "organizationId": "org-1",
            "bucket": "builds",
        }
    )


def put(url: str) -> bytes:
    """Write and read a large object, and return its beginning."""
    store = connect(access(url), 5)
    content = b"content" * 1_000_000
    store.put("key", content, chunk_size=5 * 2**20)
    back = store.get("key").bytes().to_bytes()
    assert back == content
    return back[:7]


def failure(url: str) -> Os2Error:
    """Return what is reported of a store that cannot be used."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - obstore's own, and ours
        connect(access(url), 5).head("key")
    error = explained(caught.value, url)
    assert error.hint
    assert not any(secret in f"{error.message}{error.hint}" for secret in SECRETS)
    return error


@pytest.mark.parametrize("kind", ["http", "http login", "socks5", "socks5h login"])
@pytest.mark.parametrize("loopback", [False, True])
def test_a_proxy_is_taken_unless_for_this_computer(
    kind: str,
    loopback: bool,
    moto: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("NO_PROXY", "fd07:b51a:cc66::/64,bad/entry")
    scheme, _, login = kind.partition(" ")
    proxy = HttpProxy if scheme == "http" else SocksProxy
    with (
        TlsFront(authority.server("minio"), moto) as front,
        proxy({"minio": front.port}, login=bool(login)) as server,
    ):
        user = f"{USER}:{quote(PASSWORD, '')}@" if login else ""
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"{scheme}://{user}{server.address}")
        assert put(f"http://127.0.0.1:{moto}" if loopback else "https://minio") == b"content"

    assert set(server.asked) == (set() if loopback else {"minio:443"})


def test_no_proxy_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,minio")
    with HttpProxy({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        error = failure("https://minio")

    assert proxy.asked == []
    assert "cannot reach minio: " in error.message


def test_names_below_localhost_are_this_computer(
    moto: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")

    # This interface takes the first word of a host for a bucket.
    assert put(f"http://builds.localhost:{moto}") == b"content"


def test_a_name_that_the_host_maps_to_this_computer_is_taken(
    moto: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with ``127.0.0.1 minio`` in the file of hosts."""
    monkeypatch.setattr("socket.getaddrinfo", _hosts({"minio": "127.0.0.1"}))

    assert put(f"http://minio:{moto}") == b"content"


def _hosts(known: dict[str, str]) -> object:
    import socket

    real = socket.getaddrinfo

    def lookup(host: str, *arguments: object, **more: object) -> object:
        if host in known or host[:1].isdigit():
            return real(known.get(host, host), *arguments, **more)  # type: ignore[arg-type]
        raise socket.gaierror(-2, "Name or service not known")

    return lookup


@pytest.mark.parametrize("url", ["http://minio:9000", "http://s3.example", "http://minio.internal"])
def test_plain_http_to_an_unknown_name_is_reported(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", _hosts({}))

    error = failure(url)

    assert (type(error), error.code) == (Unreachable, "object_store_unreachable")
    assert f"Daytona's object store is at {url}, a name that this host cannot resolve" in (
        error.message
    )
    assert "S3_ENDPOINT" in (error.hint or "")
    assert "--builder local" in (error.hint or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3:9000",
        "http://192.168.1.5:9000",
        "http://[fd00::1]:9000",
        "http://minio:9000",
        "http://172.17.0.1",
        "http://203.0.113.9",
        "http://127.0.0.1.example:9",
    ],
)
def test_plain_http_to_another_host_is_reported(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"minio": "10.9.8.7", "127.0.0.1.example": "10.9.8.7"}
    monkeypatch.setattr("socket.getaddrinfo", _hosts({**names, "fd00::1": "fd00::1"}))

    error = failure(url)

    assert (type(error), error.code) == (OperationFailed, "object_store_insecure")
    assert f"Daytona's object store is at {url}: plain HTTP" in error.message
    assert "S3_ENDPOINT" in (error.hint or "")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("there", [False, True])
def test_a_proxy_to_blame_is_named(
    scheme: str, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (HttpProxy if scheme == "http" else SocksProxy)({}, login=True) as server:
        address = server.address if there else f"127.0.0.1:{closed_port()}"
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://jo:hush@{address}")
        error = failure("https://minio")

    assert (error.exit_code, error.code) == (8, "proxy_login" if there else "proxy_failed")
    assert f"the proxy {address} (HTTPS_PROXY)" in error.message


class TestCertificates:
    def told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **times: object) -> Os2Error:
        authority = Authority(tmp_path)
        if times.pop("known", True):
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        name = str(times.pop("name", "127.0.0.1"))
        context = authority.server(name, **times)  # type: ignore[arg-type]
        with TlsFront(context, closed_port()) as front:
            return failure(f"https://127.0.0.1:{front.port}")

    def test_an_expired_one_points_at_the_clock(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = self.told(tmp_path, monkeypatch, begins=-3 * DAY, ends=-DAY)
        assert "this host's clock says" in (error.hint or "")

    def test_one_from_tomorrow_points_at_the_clock(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = self.told(tmp_path, monkeypatch, begins=DAY, ends=3 * DAY)
        assert "this host's clock says" in (error.hint or "")

    def test_another_name_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = self.told(tmp_path, monkeypatch, name="other.test")
        assert "not for 127.0.0.1" in error.message

    def test_an_unknown_authority_points_at_the_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = self.told(tmp_path, monkeypatch, known=False)
        assert "SSL_CERT_FILE" in (error.hint or "")
