"""The variables that name certificates: which work, and how the others are named."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from os2cli.host.network.failures import Problem, problem_of, problem_reaching
from os2cli.host.network.tls import certificates
from os2cli.host.network.transport import Transport
from tests.certificates import DAY, Authority, TlsFront
from tests.proxies import HttpProxy
from tests.unit.host.network.conftest import Heard

FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
FOLDERS = ("SSL_CERT_DIR",)


def missing(path: Path) -> None:
    del path


def empty(path: Path) -> None:
    path.write_text("")


def no_pem(path: Path) -> None:
    path.write_bytes(b"\x00\x01 not a certificate")


def broken_pem(path: Path) -> None:
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def folder(path: Path) -> None:
    path.mkdir()


def below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


KINDS = (missing, empty, no_pem, broken_pem, folder, below_a_file)
OF_FOLDERS = (missing, empty, folder, below_a_file)
CASES = [(name, kind) for name in FILES for kind in KINDS] + [
    (name, kind) for name in FOLDERS for kind in OF_FOLDERS
]


@pytest.mark.parametrize(("variable", "kind"), CASES)
def test_a_value_that_cannot_be_used_is_named_and_left_out(
    variable: str,
    kind: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    warnings: Heard,
) -> None:
    path = tmp_path / "certificates" / "it.pem"
    path.parent.mkdir()
    kind(path)
    before = ssl.create_default_context().cert_store_stats()["x509_ca"]
    monkeypatch.setenv(variable, str(path))

    contexts = [certificates(), certificates()]

    ((text, hint),) = warnings
    assert text.startswith(f"{variable}={path}: ")
    assert hint
    # The system's authorities are trusted as before.
    assert {context.cert_store_stats()["x509_ca"] for context in contexts} == {before}
    problem = problem_reaching("https://127.0.0.1:1")
    assert problem is not None


@pytest.mark.parametrize("variable", FILES)
def test_an_authority_of_each_variable_is_trusted(
    variable: str, tmp_path: Path, web: int, monkeypatch: pytest.MonkeyPatch, warnings: Heard
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv(variable, str(authority.file))
    with TlsFront(authority.server("127.0.0.1"), web) as front:
        assert problem_reaching(f"https://127.0.0.1:{front.port}") is None
    assert warnings == []


def test_nothing_set_does_no_harm(warnings: Heard) -> None:
    assert certificates().verify_mode is ssl.CERT_REQUIRED
    assert warnings == []


TIMES = {
    "not yet valid": (DAY, 2 * DAY, "certificate is not yet valid"),
    "expired": (-2 * DAY, -DAY, "certificate has expired"),
}


@pytest.fixture(params=[False, True], ids=["direct", "proxy"])
def place(request: pytest.FixtureRequest) -> bool:
    """Whether there is a proxy in between."""
    return bool(request.param)


class TestFailures:
    @pytest.fixture
    def reach(
        self, place: bool, web: int, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[ssl.SSLContext], Problem]:
        """Return what is reported of a server with a certificate."""

        def told(context: ssl.SSLContext) -> Problem:
            with TlsFront(context, web) as front, HttpProxy({"api.test": front.port}) as proxy:
                if place:
                    monkeypatch.setenv("HTTPS_PROXY", f"http://jo:hush@{proxy.address}")
                url = "https://api.test/" if place else f"https://localhost:{front.port}/"
                problem = problem_reaching(url)
            assert problem is not None
            assert "hush" not in f"{problem}"
            return problem

        return told

    @pytest.mark.parametrize(("begins", "ends", "says"), TIMES.values(), ids=TIMES)
    def test_a_time_points_at_the_clock(
        self,
        begins: timedelta,
        ends: timedelta,
        says: str,
        reach: Callable[[ssl.SSLContext], Problem],
        authority: Authority,
    ) -> None:
        context = authority.server("localhost", "api.test", begins=begins, ends=ends)

        problem = reach(context)

        assert says in problem.text
        assert problem.hint is not None
        assert "this host's clock says" in problem.hint
        # The server's clock agrees, so the certificate is old.
        assert ("renewed" in problem.hint) == ("expired" in says)
        assert "the certificate is valid from" in problem.hint
        assert (problem.code, problem.final) == ("clock_wrong", True)

    def test_a_mismatch_names_both(
        self, reach: Callable[[ssl.SSLContext], Problem], authority: Authority, place: bool
    ) -> None:
        problem = reach(authority.server("other.test", "more.test"))

        host = "api.test" if place else "localhost"
        assert f"its certificate is for other.test, more.test, not for {host}" in problem.text
        assert problem.final

    def test_an_unknown_authority_points_at_the_variable(
        self,
        reach: Callable[[ssl.SSLContext], Problem],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        stranger = Authority(tmp_path)

        assert "SSL_CERT_FILE" in (reach(stranger.server("localhost", "api.test")).hint or "")
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
        hint = reach(stranger.server("localhost", "api.test")).hint or ""
        assert hint.startswith("SSL_CERT_FILE=/nowhere/ca.pem: No such file or directory")


def test_the_server_s_clock_is_evidence(
    authority: Authority, web: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "http.server.BaseHTTPRequestHandler.date_time_string",
        lambda *_: "Mon, 06 Jan 2020 10:11:12 GMT",
    )
    context = authority.server("localhost", begins=DAY, ends=2 * DAY)
    with TlsFront(context, web) as front:
        problem = problem_reaching(f"https://localhost:{front.port}")

    assert problem is not None
    assert problem.hint is not None
    assert problem.hint.startswith("set the clock: this host's clock says ")
    assert "the server's 2020-01-06 10:11 UTC" in problem.hint


def test_a_timeout_is_reported_as_one() -> None:
    error = httpx.ReadTimeout("")

    assert (
        problem_of(error, "https://api.test:8443/x").text == "cannot reach api.test:8443: timed out"
    )


def test_nothing_is_sent_before_the_certificate_is_checked(authority: Authority, web: int) -> None:
    with TlsFront(authority.server("other.test"), web) as front:
        client = httpx.Client(transport=Transport(), headers={"Authorization": "hush"})
        with client, pytest.raises(httpx.ConnectError):
            client.get(f"https://localhost:{front.port}/")
