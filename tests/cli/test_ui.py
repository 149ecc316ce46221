"""`os2 ui` as a command: its output, what it rejects, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pexpect
import pytest
from jsonschema import Draft202012Validator

from os2cli.output.documents.registry import schema_of
from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.polling import until
from tests.ui_site import Visitor, serving


def test_it_prints_its_url_and_answers_there(os2: Os2) -> None:
    with serving(os2) as site:
        assert site.url.startswith("http://127.0.0.1:")
        with Visitor(site) as visitor:
            assert visitor.get("/machines").status_code == 200
        status, errors = site.end()

    assert status == 130
    assert "press Ctrl-C to stop" in errors
    assert site.url.partition("token=")[2] not in errors


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_a_signal_ends_it(os2: Os2, signum: signal.Signals, status: int) -> None:
    with serving(os2) as site:
        assert site.end(signum)[0] == status

    with pytest.raises(httpx.ConnectError):
        httpx.get(site.origin, trust_env=False)


def test_a_port_can_be_chosen_and_reused(os2: Os2) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        with serving(os2, "--port", str(port)) as site:
            assert site.port == port
            with Visitor(site) as visitor:
                assert visitor.get("/jobs").status_code == 200
            site.end()


def test_a_taken_port_is_reported(os2: Os2) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = os2("ui", "--port", str(port), "--no-open")

    assert result.status == 5
    assert f"port {port} is taken" in result.stderr
    assert "leave --port out" in result.stderr


def test_for_programs_it_is_one_document(os2: Os2) -> None:
    process = os2.start("ui", "--json")
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        document = json.loads(text)
        Draft202012Validator(schema_of("ui")).validate(document)
        answer = httpx.get(document["url"], trust_env=False)
        assert answer.status_code == 303
        pattern = rf"http://127\.0\.0\.1:{document['port']}/[\w-]{{24}}/\?token=[\w-]{{43}}"
        assert re.fullmatch(pattern, document["url"])
    finally:
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (130, "")
    assert errors == "os2: stopped by SIGINT\n"


def test_quiet_prints_only_the_url(os2: Os2) -> None:
    with serving(os2, "-q") as site:
        assert site.url.startswith("http://127.0.0.1:")
        assert site.end()[1] == "os2: stopped by SIGINT\n"


# It records its arguments, and submits the form of the page that it was given.
BROWSER = """#!{python}
import os, re, stat, sys, urllib.parse, urllib.request
from html import unescape
from pathlib import Path
out = Path({out!r})
out.joinpath("argv").write_text(" ".join(sys.argv))
path = Path(urllib.request.url2pathname(urllib.parse.urlsplit(sys.argv[1]).path))
modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
out.joinpath("modes").write_text(" ".join(map(oct, modes)))
out.joinpath("path").write_text(str(path))
text = path.read_text()
if {visits}:
    action = unescape(re.search('action="([^"]*)"', text)[1])
    fields = re.findall('name="([^"]*)" value="([^"]*)"', text)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    form = urllib.parse.urlencode(dict(fields)).encode()
    answer = opener.open(urllib.request.Request(action, form, {{"Origin": "null"}}))
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    page = action.replace("sign-in", "machines")
    request = urllib.request.Request(page, headers={{"Cookie": cookie}})
    text = opener.open(request).read().decode()
out.joinpath("new").write_text(text)
out.joinpath("new").rename(out / "page")
"""


@contextmanager
def on_a_terminal(
    os2: Os2, folder: Path, *, visits: bool = True
) -> Iterator[tuple[pexpect.spawn[bytes], str]]:
    """Run `os2 ui` on a terminal whose browser is ours; yields its URL once the browser ran."""
    program = folder / "browser"
    program.write_text(BROWSER.format(python=sys.executable, out=str(folder), visits=visits))
    program.chmod(0o755)
    python, *arguments = os2.argv("ui")
    environment = {**os2.env, "BROWSER": str(program), "TERM": "dumb"}
    child = pexpect.spawn(python, arguments, env=environment, cwd=str(os2.folder), timeout=30)
    child.delaybeforesend = None
    try:
        child.expect(r"http://\S+")
        assert isinstance(child.after, bytes)
        url = child.after.decode()
        until((folder / "page").exists, 20)
        yield child, url
    finally:
        child.close(force=True)


def test_on_a_terminal_it_opens_the_browser(os2: Os2, tmp_path: Path) -> None:
    """The token is not in the browser's arguments, which all users of this host can read."""
    with on_a_terminal(os2, tmp_path) as (child, url):
        token = url.partition("token=")[2]
        file = Path((tmp_path / "path").read_text())
        # Used, and gone; the terminal has another URL, and the first one works no more.
        until(lambda: not file.exists(), 20)
        child.expect(r"a browser signed in; for another: http://\S+")
        assert isinstance(child.after, bytes)
        assert token.encode() not in child.after
        assert httpx.get(url, trust_env=False).status_code == 403
        child.sendintr()
        child.expect("stopped by SIGINT")
        child.expect(pexpect.EOF)

    assert child.exitstatus == 130
    assert "New machine" in (tmp_path / "page").read_text()
    argv = (tmp_path / "argv").read_text()
    assert argv.split()[1:] == [file.as_uri()]
    assert url.partition("://")[2].partition("/")[2].partition("/")[0] not in argv
    assert token not in argv
    assert (tmp_path / "modes").read_text() == "0o600 0o700"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_file_for_the_browser_goes_with_the_server(
    os2: Os2, tmp_path: Path, signum: signal.Signals
) -> None:
    with on_a_terminal(os2, tmp_path, visits=False) as (child, _):
        file = Path((tmp_path / "path").read_text())
        assert file.exists()
        child.kill(signum)
        child.expect(pexpect.EOF)

    assert not file.exists()


def test_the_file_of_a_killed_server_goes_with_the_next(os2: Os2, tmp_path: Path) -> None:
    with on_a_terminal(os2, tmp_path, visits=False) as (child, _):
        left = Path((tmp_path / "path").read_text())
        child.kill(signal.SIGKILL)
        child.expect(pexpect.EOF)
    assert left.exists()
    (tmp_path / "page").unlink()

    with on_a_terminal(os2, tmp_path, visits=False):
        assert Path((tmp_path / "path").read_text()) != left
        assert not left.exists()


def test_without_the_extra_it_says_how_to_install_it(os2: Os2) -> None:
    hidden = (
        "import sys\n"
        "from importlib.abc import MetaPathFinder\n"
        "class Gone(MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('starlette', 'jinja2'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda n, p=None: None if n in ('starlette', 'jinja2') else found(n, p)\n"
        "sys.meta_path.insert(0, Gone())\n"
        "from os2cli.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    result = os2.python(hidden, "ui")
    others = os2.python(hidden, "stage", "--stage", "stg")

    assert result.status == 2
    assert "pip install 'os2[ui]'" in result.stderr
    assert "starlette, jinja2" in result.stderr
    assert others.status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--stage", "a/b"), "--stage"),
        (("--docker-host", "ftp://nonsense"), "--docker-host"),
        (("--port", "0"), "--port"),
    ],
)
def test_an_invalid_option_is_rejected(os2: Os2, options: tuple[str, str], words: str) -> None:
    result = os2("ui", *options)

    assert result.status == 2
    assert words in result.stderr
    assert result.stdout == ""


def test_the_stage_that_was_given_is_the_stage_of_the_page(
    cloud: Os2, daytona: DaytonaServer, published: None
) -> None:
    with serving(cloud, "--stage", "dev-other") as site, Visitor(site) as visitor:
        assert "dev-other" in visitor.get("/machines").text
        told = visitor.get("/machines/preview?type=daytona").text
        assert "no active snapshot" in told
        told = visitor.get("/machines/preview?type=daytona&stage=stg").text
        assert "stg--20260111-193045" in told


def test_without_an_engine_it_warns_and_continues(os2: Os2) -> None:
    with serving(os2) as site, Visitor(site) as visitor:
        page = visitor.get("/machines").text
        assert "local-docker" in page
        _, errors = site.end()

    assert "is not running" in errors
    assert "local machines are unavailable" in errors
