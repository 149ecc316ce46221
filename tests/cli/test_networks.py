"""os2 in networks that people have: behind proxies, on this computer, with wrong certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.certificates import DAY, Authority, TlsFront
from tests.command import Os2, Result
from tests.daytona_server import DaytonaServer
from tests.proxies import PASSWORD, USER, HttpProxy, Silent, SocksProxy, closed_port

NAME = "api.daytona.test"
LOGIN = f"{USER}:{quote(PASSWORD, '')}@"
# As OrbStack and VPNs set it, with what no client can take.
NO_PROXY = "localhost,10.0.0.0/8,fd07:b51a:cc66:f0::/64,[::1],*.orb.local,10.0.0.0/99"
READS = (
    ("snapshot", "list", "--type", "daytona"),
    ("snapshot", "resolve"),
    ("machine", "list", "--type", "daytona"),
    ("machine", "show", "x", "--type", "daytona"),
)


def port_of(server: DaytonaServer) -> int:
    return int(server.url.split("/")[2].rpartition(":")[2])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def front(authority: Authority, daytona: DaytonaServer) -> Iterator[TlsFront]:
    """Daytona behind TLS, under a name."""
    with TlsFront(authority.server(NAME, "localhost"), port_of(daytona)) as server:
        yield server


@pytest.fixture
def far(cloud: Os2, authority: Authority) -> Os2:
    """The CLI with a Daytona whose name only a proxy knows."""
    env = {"DAYTONA_API_URL": f"https://{NAME}/api", "SSL_CERT_FILE": str(authority.file)}
    return Os2(cloud.folder, {**cloud.env, **env})


def without_secrets(result: Result) -> Result:
    assert not any(word in result.stderr + result.stdout for word in ("hush", quote(PASSWORD, "")))
    assert "unexpected" not in result.stderr
    return result


@pytest.mark.parametrize("kind", ["http", "http login", "socks5", "socks5h login"])
@pytest.mark.usefixtures("published")
def test_commands_go_through_a_proxy(kind: str, far: Os2, front: TlsFront) -> None:
    scheme, _, login = kind.partition(" ")
    with (HttpProxy if scheme == "http" else SocksProxy)(
        {NAME: front.port}, login=bool(login)
    ) as proxy:
        url = f"{scheme}://{LOGIN if login else ''}{proxy.address}"
        env = {"ALL_PROXY": url, "NO_PROXY": NO_PROXY}
        for command in READS[:3]:
            result = without_secrets(far(*command, env=env))
            assert result.status == 0, result.stderr
            # One warning, which names the variable and what is wrong with it.
            assert result.stderr.count("warning: ") == 1
            assert "warning: NO_PROXY: ignored '10.0.0.0/99'\n" in result.stderr
        report = without_secrets(far("doctor", env=env))
        assert "Daytona API" in report.stdout

    assert set(proxy.asked) == {f"{NAME}:443"}


@pytest.mark.parametrize("other", ["socks4://127.0.0.1:1", "socks5://127.0.0.1:1", "ftp://x", "::"])
@pytest.mark.usefixtures("published")
def test_a_second_proxy_does_no_harm_beside_a_good_one(
    other: str, far: Os2, front: TlsFront
) -> None:
    with HttpProxy({NAME: front.port}) as proxy:
        env = {"HTTPS_PROXY": f"http://{proxy.address}", "ALL_PROXY": other}
        result = far("snapshot", "resolve", env=env)

    assert (result.status, result.stderr) == (0, "")


@pytest.mark.parametrize("command", READS)
@pytest.mark.parametrize("trouble", ["closed", "unknown", "login", "socks closed", "socks login"])
def test_a_proxy_to_blame_is_named(command: tuple[str, ...], trouble: str, far: Os2) -> None:
    scheme = "socks5" if trouble.startswith("socks") else "http"
    with (HttpProxy if scheme == "http" else SocksProxy)({}, login=True) as server:
        address = server.address
        if trouble.endswith("closed"):
            address = f"127.0.0.1:{closed_port()}"
        elif trouble == "unknown":
            address = "proxy.invalid:3128"
        url = f"{scheme}://jo:hush@{address}"
        result = without_secrets(far(*command, env={"HTTPS_PROXY": url}))

    assert result.status == 8
    assert f"the proxy {address} (HTTPS_PROXY): " in result.stderr
    assert "hint: " in result.stderr
    assert "DAYTONA_API_URL" not in result.stderr


def test_a_silent_proxy_is_named(far: Os2) -> None:
    with Silent() as server:
        address = f"127.0.0.1:{server.port}"
        result = far("doctor", env={"https_proxy": address})

    assert f"the proxy {address} (https_proxy): timed out" in result.stdout


@pytest.mark.parametrize("value", ["ftp://jo:hush@x:1", "http://jo:hush/x@p:1", "http://x:hush"])
def test_a_value_that_names_no_proxy_is_left_out(
    value: str, cloud: Os2, daytona: DaytonaServer
) -> None:
    url = daytona.url.replace("http://127.0.0.1", "https://far.invalid")
    env = {"HTTPS_PROXY": value, "DAYTONA_API_URL": url}
    result = without_secrets(cloud("snapshot", "resolve", env=env))

    assert result.status == 8
    assert result.stderr.count("warning: HTTPS_PROXY is ignored: ") == 1
    assert "cannot reach far.invalid" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "daytona.localhost", "A.B.LOCALHOST"])
@pytest.mark.usefixtures("published")
def test_this_computer_needs_neither_proxy_nor_resolver(
    host: str, cloud: Os2, daytona: DaytonaServer
) -> None:
    dead = f"http://jo:hush@127.0.0.1:{closed_port()}"
    env = {"DAYTONA_API_URL": daytona.url.replace("127.0.0.1", host)}
    env |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), dead)
    env["NO_PROXY"] = "fd00::/8"

    assert cloud("snapshot", "resolve", env=env).stdout == "stg--20260111-193045\n"
    # What is published goes to an object store on this computer.
    (cloud.folder / "sandbox").mkdir()
    (cloud.folder / "sandbox/Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    published = without_secrets(cloud("snapshot", "daytona", env=env))
    assert published.status == 0, published.stderr


TIMES = {"not yet valid": (DAY, 2 * DAY), "has expired": (-2 * DAY, -DAY)}


@pytest.mark.parametrize(("says", "times"), TIMES.items(), ids=TIMES)
def test_a_time_of_a_certificate_points_at_the_clock(
    says: str, times: tuple[timedelta, timedelta], far: Os2, authority: Authority
) -> None:
    context = authority.server("localhost", begins=times[0], ends=times[1])
    with TlsFront(context, closed_port()) as front:
        url = f"https://localhost:{front.port}/api"
        result = far("snapshot", "resolve", env={"DAYTONA_API_URL": url})

    assert result.status == 8
    assert says in result.stderr
    assert "this host's clock says" in result.stderr
    assert "SSL_CERT_FILE" not in result.stderr


@pytest.mark.parametrize("content", [None, "", "no certificate"])
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_certificates_that_is_none_is_named(
    variable: str, content: str | None, cloud: Os2, front: TlsFront, tmp_path: Path
) -> None:
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_text(content)
    url = f"https://localhost:{front.port}/api"
    result = cloud("snapshot", "resolve", env={"DAYTONA_API_URL": url, variable: str(path)})

    assert result.status == 8
    assert f"warning: {variable}={path}: " in result.stderr
    assert f"hint: {variable}={path}: " in result.stderr
