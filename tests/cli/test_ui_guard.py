"""Only the browser with the token gets anything from `os2 ui`, or through it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.command import Os2
from tests.ui_site import Site, Visitor, serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests here, which must not change anything."""
    from tests.command import base_environment

    folder = tmp_path_factory.mktemp("work")
    env = base_environment(folder / "home") | {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    with serving(Os2(folder, env)) as site:
        yield site


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with Visitor(site) as visitor:
        yield visitor


@pytest.fixture
def stranger(site: Site) -> Iterator[Visitor]:
    with Visitor(site, entering=False) as stranger:
        yield stranger


PAGES = ["/", "/machines", "/machines?part", "/machines/new", "/snapshots", "/doctor", "/jobs",
         "/static/css/frame.css", "/static/os2.js", "/no/such/page"]  # fmt: skip


class TestTheToken:
    """A token signs one browser in; everything else is empty for strangers."""

    def test_it_opens_the_page_and_leaves_the_url(self, os2: Os2) -> None:
        with serving(os2) as site, Visitor(site, entering=False) as stranger:
            answer = stranger.get(site.url)

            assert (answer.status_code, answer.headers["location"]) == (303, f"{site.base}/")
            cookie = answer.headers["set-cookie"].lower()
            assert cookie.startswith(f"os2_ui_{site.port}=")
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert f"path={site.base}/".lower() in cookie.split("; ")
            token = site.url.partition("token=")[2]
            assert token not in str(answer.headers)
            assert stranger.get("/machines").status_code == 200

    def test_it_works_once(self, os2: Os2) -> None:
        with serving(os2) as site:
            with Visitor(site, entering=False) as first:
                assert first.get(site.url).status_code == 303
                assert first.get(site.url).status_code == 403
            with Visitor(site, entering=False) as second:
                answer = second.get(site.url)
                form = second.post("/sign-in", data={"token": site.url.partition("token=")[2]})
                _, errors = site.end()

        assert (answer.status_code, form.status_code) == (403, 403)
        assert "set-cookie" not in answer.headers
        # The terminal has the next one.
        (following,) = re.findall(r"http://\S+", errors)
        assert following.startswith(f"{site.home}/?token=")
        assert following != site.url

    def test_of_many_at_once_one_gets_in(self, os2: Os2) -> None:
        with serving(os2) as site, ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: httpx.get(site.url, trust_env=False), range(32)))

        assert sorted(each.status_code for each in answers) == [303, *[403] * 31]
        assert sum("set-cookie" in each.headers for each in answers) == 1

    def test_a_form_signs_in_from_any_page(self, os2: Os2) -> None:
        """The forwarding page is a file: its origin is none."""
        with serving(os2) as site, Visitor(site, entering=False) as stranger:
            token = site.url.partition("token=")[2]
            headers = {"origin": "null", "sec-fetch-site": "cross-site"}
            answer = stranger.post("/sign-in", data={"token": token}, headers=headers)

            # A redirect would not carry the strict cookie.
            assert answer.status_code == 200
            assert f'content="0;url={site.base}/"' in answer.text
            assert token not in answer.text
            assert stranger.get("/machines").status_code == 200

    @pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
    def test_what_a_browser_loads_ahead_does_not_use_it_up(self, os2: Os2, purpose: str) -> None:
        with serving(os2) as site, Visitor(site, entering=False) as stranger:
            assert stranger.get(site.url, headers={"sec-purpose": purpose}).status_code == 503
            assert stranger.head(site.url).status_code == 401
            assert stranger.get(site.url).status_code == 303

    @pytest.mark.parametrize("path", PAGES)
    def test_without_it_nothing_is_served(self, stranger: Visitor, path: str) -> None:
        answer = stranger.get(path)

        assert answer.status_code == 401
        assert "os2 ui" in answer.text
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("token", ["", "x", "é", "%00", "A" * 43])
    def test_another_is_rejected(self, stranger: Visitor, token: str) -> None:
        answer = stranger.get("/", params={"token": token})
        form = stranger.post("/sign-in", data={"token": token})

        assert (answer.status_code, form.status_code) == (403, 403)
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize(
        "cookie", ["os2_ui=x", "os2_ui_PORT=x", "os2_ui_PORT=", "os2_ui_PORT", '=;;,"', "é=1"]
    )
    def test_another_cookie_is_rejected(self, site: Site, stranger: Visitor, cookie: str) -> None:
        words = cookie.replace("PORT", str(site.port)).encode()

        assert stranger.get("/machines", headers={b"cookie": words}).status_code == 401

    def test_two_servers_have_two(self, site: Site, os2: Os2) -> None:
        with serving(os2) as other, Visitor(site) as visitor:
            assert other.port != site.port
            assert other.base != site.base
            assert other.url.partition("=")[2] != site.url.partition("=")[2]
            cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
            answer = httpx.get(
                f"{other.home}/machines", headers={"cookie": cookies}, trust_env=False
            )
            assert answer.status_code == 401


def read_all(connection: socket.socket) -> bytes:
    text = b""
    while part := connection.recv(4096):
        text += part
    return text


class TestTheFolder:
    """Outside of its folder every answer is the same."""

    @pytest.mark.parametrize(
        "path", ["", "/", "/machines", "/?token=TOKEN", "/sign-in", "/static/os2.js", "BASE",
                 "BASEx/machines", "//BASE/machines", "/x/..BASE/machines", "/favicon.ico",
                 "/ingest/e/", "/%2e/machines"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "OPTIONS", "NONSENSE"])
    def test_outside_is_an_empty_404(
        self, site: Site, visitor: Visitor, method: str, path: str
    ) -> None:
        token = site.url.partition("token=")[2]
        target = path.replace("BASE", site.base).replace("TOKEN", token)
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        for host in (f"127.0.0.1:{site.port}", f"localhost:{site.port}", "evil.example"):
            raw = f"{method} {target or '/'} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n"
            with socket.create_connection(("127.0.0.1", site.port), timeout=5) as connection:
                connection.sendall(f"{raw}Connection: close\r\n\r\n".encode())
                head, _, body = read_all(connection).partition(b"\r\n\r\n")

            lines = head.lower().split(b"\r\n")
            assert lines[0].startswith(b"http/1.1 404")
            assert {line.partition(b":")[0] for line in lines[1:]} == {
                b"date", b"content-length", b"connection",
            }  # fmt: skip
            assert body == b""

    def test_every_url_of_a_page_is_below_it(self, site: Site, visitor: Visitor) -> None:
        for path in ("/machines", "/machines/new", "/snapshots", "/snapshots/publish", "/doctor",
                     "/doctor?plain", "/jobs", "/no/such/page"):  # fmt: skip
            text = visitor.get(path).text
            urls = re.findall(r'(?:href|src|action|data-live|data-log)="(/[^"]*)"', text)
            assert urls
            assert [url for url in urls if not url.startswith(f"{site.base}/")] == []

    def test_websockets_outside_are_an_empty_404(self, site: Site, visitor: Visitor) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        url = f"ws://127.0.0.1:{site.port}/machines/local-docker/x/terminal/socket"
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(
                url,
                origin=Origin(site.origin),
                additional_headers={"Cookie": cookies},
                proxy=None,
            ),
        ):
            pass
        assert (refused.value.response.status_code, refused.value.response.body) == (404, b"")


class TestTheName:
    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "[::1]:PORT",
                 "127.0.0.1.evil.example:PORT", "localhost", "LOCALHOST:PORT", ""]
    )  # fmt: skip
    def test_others_are_not_ours(self, site: Site, visitor: Visitor, host: str) -> None:
        answer = visitor.get("/machines", headers={"host": host.replace("PORT", str(site.port))})

        assert answer.status_code == 421 or (host == "" and answer.status_code == 400)

    def test_localhost_leads_to_it_and_gets_no_cookie(self, site: Site, visitor: Visitor) -> None:
        """Machines are on localhost: a cookie for it would be sent to them."""
        host = {"host": f"localhost:{site.port}"}
        answer = visitor.get(site.url.partition(site.base)[2], headers=host)

        assert answer.status_code == 307
        assert answer.headers["location"] == site.url
        assert "set-cookie" not in answer.headers
        assert visitor.post("/machines", headers=host).status_code == 421

    def test_two_names_are_none(self, site: Site) -> None:
        start = f"GET {site.base}/machines HTTP/1.1"
        raw = f"{start}\r\nHost: 127.0.0.1:{site.port}\r\nHost: evil\r\n\r\n"
        with socket.create_connection(("127.0.0.1", site.port), timeout=5) as connection:
            connection.sendall(raw.encode())
            assert connection.recv(100).split()[1] in (b"400", b"421")

    def test_it_listens_on_loopback_alone(self, site: Site) -> None:
        with socket.socket() as other:
            # A server on all addresses would also answer on this one.
            other.bind(("127.0.0.2", site.port))


class TestWhereItCameFrom:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": "null"},
            {"origin": "http://evil.example"},
            {"origin": "http://localhost:PORT"},
            {"origin": "https://127.0.0.1:PORT"},
            {"origin": "http://127.0.0.1:PORT.evil.example"},
            {"origin": "http://127.0.0.1:PORT", "sec-fetch-site": "cross-site"},
            {"origin": "http://127.0.0.1:PORT", "sec-fetch-site": "same-site"},
            {"origin": "http://127.0.0.1:PORT", "sec-fetch-site": "none"},
        ],
    )
    @pytest.mark.parametrize("path", ["/machines", "/snapshots/build", "/doctor/fix"])
    def test_changes_must_come_from_our_pages(
        self, site: Site, visitor: Visitor, headers: dict[str, str], path: str
    ) -> None:
        told = {name: value.replace("PORT", str(site.port)) for name, value in headers.items()}

        assert visitor.post(path, headers=told).status_code == 403
        assert "No activity yet" in visitor.get("/jobs").text

    @pytest.mark.parametrize("site_", ["cross-site", "same-site"])
    def test_other_pages_embed_nothing(self, visitor: Visitor, site_: str) -> None:
        headers = {"sec-fetch-site": site_, "sec-fetch-mode": "no-cors"}

        assert visitor.get("/machines", headers=headers).status_code == 403

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
    def test_other_methods_are_rejected(self, site: Site, visitor: Visitor, method: str) -> None:
        answer = visitor.request(method, "/machines", headers={"Origin": site.origin})

        assert answer.status_code == 405

    def test_websockets_are_behind_the_same_checks(self, site: Site, visitor: Visitor) -> None:
        url = f"ws://127.0.0.1:{site.port}{site.base}/machines/local-docker/x/terminal"
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        for origin, cookie in ((None, cookies), ("http://evil", cookies), (site.origin, "a=b")):
            with (
                pytest.raises(InvalidStatus) as refused,
                connect(url, origin=origin, additional_headers={"Cookie": cookie}, proxy=None),  # type: ignore[arg-type]
            ):
                pass
            assert refused.value.response.status_code == 403


class TestWhatIsSent:
    def test_a_body_has_its_limit(self, site: Site, visitor: Visitor) -> None:
        headers = {"Origin": site.origin}
        declared = visitor.post("/machines", content=b"x" * 300_000, headers=headers)
        pieces = visitor.post(
            "/machines",
            content=(b"name=" + b"x" * 50_000 for _ in range(10)),
            headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
        )

        assert (declared.status_code, pieces.status_code) == (413, 413)

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fcli.py",
            "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/css/frame.css%00",
            "/machines/local-docker/..%2f..", "/machines/local-docker/-x", "/machines/nonsense/a",
            "/machines/local-docker/a%0d%0aX:1", "/machines/local-docker/a?stage=a%2fb",
            "/jobs/..%2f", "/snapshots/remove?type=local-docker", "/snapshots/remove",
        ],
    )  # fmt: skip
    def test_strange_addresses_lead_nowhere(self, visitor: Visitor, path: str) -> None:
        answer = visitor.get(path)

        assert answer.status_code in (400, 401, 404, 422), answer.text
        assert "Traceback" not in answer.text

    def test_a_strange_form_is_an_error_of_its_own(self, visitor: Visitor) -> None:
        answer = visitor.send_form("/machines", type="nonsense")

        assert answer.status_code == 422
        assert "unknown machine type" in answer.json()["error"]["message"]


def test_every_answer_has_its_headers(site: Site, visitor: Visitor, stranger: Visitor) -> None:
    answers = [visitor.get(path) for path in PAGES]
    answers += [stranger.get("/machines"), visitor.post("/machines"), stranger.get(site.url)]
    answers += [visitor.get("/machines/preview?type=local-docker")]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in answer.headers
    assert "<script>" not in "".join(answer.text for answer in answers)
    assert "style=" not in "".join(
        a.text for a in answers if "html" in a.headers.get("content-type", "")
    )
    assert json.dumps(site.url) not in "".join(visitor.texts)
