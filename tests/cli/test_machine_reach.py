"""``os2 machine url``, ``open``, ``cp`` and ``shell``, as processes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import httpx
import pexpect
import pytest
from pydantic import TypeAdapter

from os2cli.output.documents.executions import AddressDocument, CopyDocument
from tests.cli.lives import DAYTONA, DEADLINE, browser, hint, machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.daytona_server.records import SandboxRecord
from tests.polling import until
from tests.processes import command_lines, tree

URL = ("machine", "url", "a", *DAYTONA)
OPEN = ("machine", "open", "a", *DAYTONA)
CP = ("machine", "cp", *DAYTONA)


@pytest.fixture(autouse=True)
def a(daytona: DaytonaServer) -> SandboxRecord:
    """A private running machine."""
    return machine(daytona, "a")


class TestUrl:
    def test_a_private_one_opens_with_its_header_only(self, cloud: Os2, a: SandboxRecord) -> None:
        shown, header = cloud(*URL), cloud(*URL, "--header")

        address = shown.stdout.strip()
        name, _, token = header.stdout.strip().partition(": ")
        assert httpx.get(address).status_code == 307
        assert httpx.get(address, headers={name: token}).status_code == 200
        assert a.token not in shown.stdout + shown.stderr
        assert "os2 machine url a --signed" in shown.stderr
        assert (token, header.stderr) == (a.token, "")

    def test_a_signed_one_opens_for_a_while(self, cloud: Os2, daytona: DaytonaServer) -> None:
        result = cloud(*URL, "--signed", "--expires", "90s", "--port", "3002")

        (asked,) = daytona.seen("GET", "/sandbox/.*/ports/3002/signed-preview-url")
        assert asked.query["expiresInSeconds"] == "90"
        assert httpx.get(result.stdout.strip(), follow_redirects=True).status_code == 200
        assert result.stderr == ""

    def test_as_one_document(self, cloud: Os2, a: SandboxRecord) -> None:
        plain = TypeAdapter(AddressDocument).validate_json(cloud(*URL, "--json").stdout)
        header = TypeAdapter(AddressDocument).validate_json(
            cloud(*URL, "--header", "--json").stdout
        )

        assert (plain.private, plain.signed, plain.header, plain.port) == (True, False, None, 3000)
        assert header.header == f"X-Daytona-Preview-Token: {a.token}"
        assert cloud(*URL, "-q").stdout.strip() == plain.url

    def test_a_public_one_needs_nothing(self, cloud: Os2, a: SandboxRecord) -> None:
        a.public = True

        assert cloud(*URL).stderr == ""

    @pytest.mark.parametrize(
        "options",
        [
            ("--expires", "1h"),
            ("--signed", "--header"),
            ("--signed", "--expires", "25h"),
            ("--signed", "--expires", "0s"),
            ("--signed", "--expires", "soon"),
            ("--port", "0"),
            ("--port", "65536"),
        ],
        ids=" ".join,
    )
    def test_invalid_options_exit_with_2(self, cloud: Os2, options: tuple[str, ...]) -> None:
        result = cloud(*URL, *options)

        assert (result.status, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-1].startswith("hint: ")

    def test_a_stopped_one_is_5_and_a_missing_one_3(self, cloud: Os2, a: SandboxRecord) -> None:
        a.state = "stopped"

        assert cloud(*URL).status == cloud(*OPEN).status == 5
        assert cloud("machine", "url", "none", *DAYTONA).status == 3


class TestOpen:
    def test_the_page_of_a_private_one_opens_and_its_token_is_hidden(
        self, cloud: Os2, a: SandboxRecord, tmp_path: Path
    ) -> None:
        result = cloud(*OPEN, env=browser(tmp_path))

        assert result.status == 0, result.stderr
        assert "stub" in (tmp_path / "page").read_text().lower()
        (argument,) = (tmp_path / "argv").read_text().split()
        assert argument.startswith("file:///")
        seen = argument + result.stdout + result.stderr
        assert a.signed_tokens
        for token in (a.token, *(text for _, text in a.signed_tokens)):
            assert token not in seen

    def test_a_public_one_is_opened_as_it_is(
        self, cloud: Os2, a: SandboxRecord, tmp_path: Path
    ) -> None:
        a.public = True

        result = cloud(*OPEN, "--json", env=browser(tmp_path))

        address = TypeAdapter(AddressDocument).validate_json(result.stdout)
        assert (tmp_path / "argv").read_text().strip() == address.url

    def test_without_a_browser_the_url_is_printed(self, cloud: Os2) -> None:
        result = cloud(*OPEN, env={"BROWSER": "/no/such/program", "PATH": "/nowhere"})

        assert result.status == 1
        assert result.stdout.startswith("http")
        assert "os2 machine url" in result.stderr or "BROWSER" in result.stderr


class TestCp:
    @pytest.fixture
    def home(self, daytona: DaytonaServer, a: SandboxRecord) -> Path:
        """The home directory of the machine."""
        return daytona.home(a.id)

    def test_in(self, cloud: Os2, a: SandboxRecord, home: Path) -> None:
        (cloud.folder / "notes").write_text("some text")
        (home / "docs").mkdir()

        result = cloud(*CP, "notes", "a:docs", "--json")

        found = TypeAdapter(CopyDocument).validate_json(result.stdout)
        assert (found.source, found.target) == ("notes", "a:docs")
        assert found.archive_bytes > len("some text")
        assert (home / "docs/notes").read_text() == "some text"
        until(lambda: a.sessions == {})
        assert list(home.iterdir()) == [home / "docs"]

    def test_out(self, cloud: Os2, a: SandboxRecord, home: Path) -> None:
        (home / "log").write_text("lines\n")

        result = cloud(*CP, "a:log", "copy")

        assert result.status == 0, result.stderr
        assert (cloud.folder / "copy").read_text() == "lines\n"
        assert result.stdout.startswith("copied a:log to copy (")
        until(lambda: a.sessions == {})
        assert list(home.iterdir()) == [home / "log"]

    @pytest.mark.parametrize("inward", [True, False], ids=["in", "out"])
    def test_what_is_left_out_is_named(self, cloud: Os2, home: Path, inward: bool) -> None:
        source = cloud.folder / "tree" if inward else home / "tree"
        source.mkdir()
        (source / "python").symlink_to("/usr/bin/python3")
        for name in ("a\nb", "socket"):
            os.mknod(source / name, stat.S_IFSOCK | 0o600)
        paths = ("tree", "a:copy") if inward else ("a:tree", "copy")

        shown, document = cloud(*CP, *paths), cloud(*CP, *paths, "--json")

        found = TypeAdapter(CopyDocument).validate_json(document.stdout)
        assert (shown.status, document.status) == (0, 0)
        assert shown.stderr.count("warning: left out") == 2
        assert len(found.left_out) == found.left_out_count == 2
        assert found.is_whole
        target = home / "copy" if inward else cloud.folder / "copy"
        assert (target / "python").readlink() == Path("/usr/bin/python3")

    def test_files_of_the_kernel_are_rejected(self, cloud: Os2) -> None:
        for paths in (("a:/proc/version", "."), ("/proc/version", "a:x"), ("a:/dev/null", ".")):
            rejected = cloud(*CP, *paths)
            assert rejected.status == 2
            assert f"error: cannot copy {paths[0]}: it is " in rejected.stderr

    def test_a_download_that_breaks_off_goes_on(
        self, cloud: Os2, daytona: DaytonaServer, home: Path
    ) -> None:
        (home / "x").write_bytes(bytes(range(256)) * 1000)
        daytona.fail_next("GET", "/toolbox/.*/files/download", Fault(status=502), times=3)

        assert cloud(*CP, "a:x", "copy").status == 0
        assert (cloud.folder / "copy").read_bytes() == bytes(range(256)) * 1000

    def test_a_failed_download_leaves_nothing(
        self, cloud: Os2, daytona: DaytonaServer, home: Path
    ) -> None:
        (home / "x").touch()
        daytona.fail_next("GET", "/toolbox/.*/files/download", Fault(status=403), times=9)

        result = cloud(*CP, "a:x", "copy")

        assert (result.status, result.stdout) == (4, "")
        assert list(cloud.folder.iterdir()) == []

    def test_invalid_arguments_are_explained(self, cloud: Os2) -> None:
        assert cloud(*CP, "x", "y").status == cloud(*CP, "a:x", "b:y").status == 2
        assert cloud(*CP, "none", "a:x").status == 3
        assert cloud(*CP, "a:x", "no/such/folder").status == 3
        missing = cloud(*CP, "a:x", ".", "--json")
        assert (missing.status, missing.json()["error"]["code"]) == (3, "path_not_found")


class TestShell:
    def test_it_is_a_terminal_there_and_its_token_is_in_no_argument(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        program, *rest = cloud.argv("machine", "shell", "a", *DAYTONA)
        child = pexpect.spawn(
            program,
            rest,
            cwd=str(cloud.folder),
            env={**cloud.env, "TERM": "xterm"},
            dimensions=(30, 100),
            timeout=DEADLINE,
            encoding="utf-8",
        )
        child.expect_exact("$ ")
        session = daytona.ssh_sessions[0]
        assert session.terminal is not None
        assert (session.terminal.columns, session.terminal.rows) == (100, 30)
        seen = command_lines(tree(child.pid))
        assert any(Path(words[0]).name == "ssh" for words in seen)
        (token,) = a.ssh_tokens
        assert token not in str(seen)

        child.setwinsize(40, 120)
        until(lambda: session.terminal and session.terminal.columns == 120)
        child.send("echo hello\r")
        child.expect_exact("hello\r\n")
        child.send("exit\r")
        child.expect(pexpect.EOF)
        child.close()

        assert child.exitstatus == 0
        assert token not in (child.before or "")
        until(lambda: not session.open)

    def shell(self, cloud: Os2) -> tuple[int | None, str]:
        """Open a shell, end it, and return os2's exit code and what the terminal showed."""
        program, *rest = cloud.argv("machine", "shell", "a", *DAYTONA)
        child = pexpect.spawn(
            program,
            rest,
            cwd=str(cloud.folder),
            env={**cloud.env, "TERM": "xterm"},
            dimensions=(30, 200),
            timeout=DEADLINE,
            encoding="utf-8",
        )
        if child.expect_exact(["$ ", pexpect.EOF]) == 0:
            child.send("exit\r")
            child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, child.before or ""

    @pytest.mark.parametrize("comment", ["", " gateway@daytona"])
    def test_the_key_that_the_api_reports_is_the_only_one(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, comment: str
    ) -> None:
        keys = ["ssh-new AAAA", *OTHER_KEYS, f"{daytona.ssh_host_key}{comment}"]
        daytona.ssh_reported = {"sshGatewayHostKeys": keys, "sshGatewayHost": "127.0.0.1"}
        assert self.shell(cloud)[0] == 0
        assert not list(Path(cloud.env["HOME"]).rglob("known_hosts*"))

        daytona.ssh_reported = {"sshGatewayHostKeys": OTHER_KEYS}
        status, shown = self.shell(cloud)
        assert status == 1
        assert "does not show the key that Daytona's API reports" in shown
        assert len(daytona.ssh_sessions) == 1
        assert a.ssh_tokens[0] not in shown

    @pytest.mark.usefixtures("a")
    def test_keys_that_are_none_are_an_invalid_answer(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        daytona.ssh_reported = {"sshGatewayHostKeys": ["", f"@revoked * {daytona.ssh_host_key}"]}
        status, shown = self.shell(cloud)
        assert (status, daytona.ssh_sessions) == (1, [])
        assert "sshGatewayHostKeys has no key" in shown

    @pytest.mark.parametrize(
        "reported", [{}, {"sshGatewayHostKeys": ["ssh-rsa AAAA"], "sshGatewayHost": "other.test"}]
    )
    def test_else_the_first_key_is_remembered_until_a_command_forgets_it(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, reported: dict[str, Any]
    ) -> None:
        daytona.ssh_reported = reported
        assert self.shell(cloud)[0] == 0
        (known,) = Path(cloud.env["HOME"]).rglob("known_hosts-*")
        before = known.read_text()
        assert daytona.ssh_host_key.split()[1] in before
        known.write_text(before.replace(daytona.ssh_host_key, OTHER_KEYS[0]))

        status, shown = self.shell(cloud)
        assert (status, len(daytona.ssh_sessions)) == (1, 1)
        assert "shows another key than before" in shown
        assert a.ssh_tokens[0] not in shown

        command = shown.replace("\r\n", "").partition("replaced the key: ")[2]
        assert cloud.run(["sh", "-c", command]).status == 0
        assert self.shell(cloud)[0] == 0

    def test_without_a_terminal_it_names_the_alternative(self, cloud: Os2) -> None:
        result = cloud("machine", "shell", "a", *DAYTONA)
        as_json = cloud("machine", "shell", "a", *DAYTONA, "--json")

        assert (result.status, as_json.status) == (2, 2)
        assert hint(result.stderr)[:3] == ["machine", "exec", "a"]
        assert as_json.json()["error"]["hint"]


OTHER_KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEYhiLSTR42uYL/QpCAbqmuAFZXVvvDJUd9C1w4VrQB6",
]
ADDRESSES = (
    "--utility-cmd-prefix=touch PWNED",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://",
    "https://me:pw@h.example/",
    "https://h.example/\x1b]0;title\x07",
    "https://h.example/$(touch PWNED)",
    "https://h.example\n--new-window",
    "-http://h.example",
)


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_a_strange_address_of_the_api_is_an_invalid_answer_and_opens_nothing(
    cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, address: str
) -> None:
    browser = cloud.folder / "browser"
    browser.write_text('#!/bin/sh\necho "$@" > OPENED\n')
    browser.chmod(0o755)
    env = {"BROWSER": f"{browser} %s"}
    answer = Fault(status=200, body={"sandboxId": a.id, "url": address, "token": "t", "port": 3000})
    for command in (("url", "a"), ("url", "a", "--signed"), ("open", "a")):
        kind = "signed-preview-url" if "--signed" in command else "preview-url"
        daytona.fail_next("GET", f"/sandbox/.*/ports/3000/{kind}", answer)
        result = cloud("machine", *command, env=env)
        assert result.status == 1, result.stdout
        assert result.stdout == ""
        assert "not a web address" in result.stderr
        assert "\x1b" not in result.stderr
    assert not (cloud.folder / "OPENED").exists()
