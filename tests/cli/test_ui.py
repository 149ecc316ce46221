"""`os2 ui` as a command: its output, what it rejects, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
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
        assert document["url"].startswith(f"http://127.0.0.1:{document['port']}/?token=")
    finally:
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (130, "")
    assert errors == "os2: stopped by SIGINT\n"


def test_quiet_prints_only_the_url(os2: Os2) -> None:
    with serving(os2, "-q") as site:
        assert site.url.startswith("http://127.0.0.1:")
        assert site.end()[1] == "os2: stopped by SIGINT\n"


def test_on_a_terminal_it_opens_the_browser(os2: Os2, tmp_path: Path) -> None:
    """The token is not in the browser's arguments, which all users of this host can read."""
    program = tmp_path / "browser"
    program.write_text(
        f'#!/bin/sh\necho "$@" > "{tmp_path}/argv"\n'
        f'curl -sSL -b "" --noproxy "*" "$1" > "{tmp_path}/new" 2>&1\n'
        f'mv "{tmp_path}/new" "{tmp_path}/page"\n'
    )
    program.chmod(0o755)
    python, *arguments = os2.argv("ui")
    environment = {**os2.env, "BROWSER": str(program), "TERM": "dumb"}
    child = pexpect.spawn(python, arguments, env=environment, cwd=str(os2.folder), timeout=30)
    try:
        child.expect(r"token=\S+")
        assert isinstance(child.after, bytes)
        token = child.after.decode().partition("=")[2]
        page = until(lambda: (tmp_path / "page").exists() and (tmp_path / "page").read_text(), 20)
        child.sendintr()
        child.expect("stopped by SIGINT")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)

    assert child.exitstatus == 130
    assert "New machine" in page
    assert token not in (tmp_path / "argv").read_text()


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
        (("--docker-host", "nonsense"), "--docker-host"),
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
