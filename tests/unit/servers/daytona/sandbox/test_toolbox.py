"""The toolbox's own words: errors, who is let in, and what it executes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Fault, Timing
from tests.daytona_server.toolbox_door import NOT_RUNNING
from tests.polling import until
from tests.unit.servers.daytona.calls import NO_CERTIFICATES

KEYS = {"statusCode", "message", "code", "timestamp", "path", "method"}
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(api: httpx.Client, toolbox: str) -> Ask:
    """Return a request to the toolbox."""

    def send(method: str, path: str, **more: object) -> httpx.Response:
        return api.request(method, f"{toolbox}{path}", **more)  # type: ignore[arg-type]

    return send


def refused(answer: httpx.Response, status: int, message: str, code: str) -> dict[str, object]:
    """Check an error."""
    body: dict[str, object] = answer.json()
    assert set(body) == KEYS
    assert (answer.status_code, body["statusCode"]) == (status, status)
    assert (body["message"], body["code"]) == (message, code)
    return body


class TestErrors:
    def test_they_say_where_they_happened(self, ask: Ask) -> None:
        body = refused(
            ask("GET", "/process/session/none"), 404, "not found: session not found", "NOT_FOUND"
        )
        assert (body["path"], body["method"]) == ("/process/session/none", "GET")
        assert datetime.fromisoformat(str(body["timestamp"])).tzinfo is not None

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "message", "code"),
        [
            ("GET", "/{}/command/none", {}, 404, "not found: command not found", "NOT_FOUND"),
            ("GET", "/{}/command/none/logs", {}, 404, "not found: command not found", "NOT_FOUND"),
            ("GET", "/none/command/a/logs", {}, 404, "not found: session not found", "NOT_FOUND"),
            ("DELETE", "/none", {}, 404, "not found: session not found", "NOT_FOUND"),
            (
                "POST", "", {"sessionId": "mine"}, 409,
                "conflict: session already exists", "CONFLICT",
            ),
            (
                "POST", "/none/exec", {"command": "ls"}, 500,
                "failed to execute command: not found: session not found", "",
            ),
        ],
    )  # fmt: skip
    def test_of_sessions(
        self,
        ask: Ask,
        method: str,
        path: str,
        body: dict[str, str],
        status: int,
        message: str,
        code: str,
    ) -> None:
        ask("POST", "/process/session", json={"sessionId": "mine"})
        answer = ask(method, f"/process/session{path.format('mine')}", json=body or None)
        refused(answer, status, message, code)

    @pytest.mark.parametrize("command", ["", "  \n", None])
    @pytest.mark.parametrize("path", ["/execute", "/session/none/exec"])
    def test_an_empty_command_is_refused_without_a_message(
        self, ask: Ask, path: str, command: str | None
    ) -> None:
        answer = ask("POST", f"/process{path}", json={"command": command})
        assert (answer.status_code, answer.content) == (400, b"")
        assert "content-type" not in answer.headers


class TestDoor:
    def test_without_a_key(self, server: DaytonaServer, toolbox: str) -> None:
        answer = httpx.get(f"{toolbox}/work-dir", trust_env=False, verify=NO_CERTIFICATES)
        body = answer.json()
        assert (answer.status_code, body["code"]) == (401, "UNAUTHORIZED")
        assert str(body["message"]).startswith("unauthorized: missing authentication: ")
        assert server.refused_logins == 1

    @pytest.mark.parametrize("wrong", ["key", "sandbox"])
    def test_with_a_wrong_key_or_for_an_unknown_sandbox(
        self, server: DaytonaServer, api: httpx.Client, toolbox: str, wrong: str
    ) -> None:
        url = toolbox if wrong == "key" else f"{server.origin}/toolbox/none"
        headers = {"Authorization": "Bearer dtn_wrong"} if wrong == "key" else {}
        refused(
            api.get(f"{url}/work-dir", headers=headers),
            401,
            "unauthorized: authentication failed: Bearer token is invalid",
            "UNAUTHORIZED",
        )

    def test_a_sandbox_that_was_removed_is_believed_for_a_while(
        self, server: DaytonaServer, api: httpx.Client, ask: Ask
    ) -> None:
        assert ask("GET", "/work-dir").status_code == 200
        api.delete("/sandbox/one")
        until(lambda: server.sandbox_named("one") is None and not server.sandboxes)
        answer = ask("GET", "/work-dir")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
        assert str(answer.json()["message"]).startswith("not found: sandbox container not found")
        server.advance(minutes=2)
        assert ask("GET", "/work-dir").status_code == 401


class TestNotRunning:
    @pytest.mark.parametrize(
        ("state", "status", "message"),
        [
            ("stopped", 400, "failed to resolve container IP after 3 attempts: no IP address"),
            ("starting", 400, "no IP address found. Is the Sandbox started?"),
            ("error", 400, "no IP address found. Is the Sandbox started?"),
            ("archived", 400, "failed to get runner info"),
            ("destroying", 404, "sandbox container not found"),
        ],
    )
    def test_by_state(
        self, server: DaytonaServer, ask: Ask, state: str, status: int, message: str
    ) -> None:
        server.sandbox("one").state = state
        answer = ask("GET", "/work-dir")
        assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
        assert message in answer.json()["message"]

    def test_while_it_goes_down(self, server: DaytonaServer, ask: Ask) -> None:
        server.sandbox("one").state = "stopping"
        answer = ask("GET", "/work-dir")
        assert (answer.status_code, answer.content) == (502, b"")

    @pytest.mark.parametrize("kind", sorted(NOT_RUNNING))
    @pytest.mark.parametrize("path", ["/files/info", "/process/session"])
    def test_in_any_words(self, server: DaytonaServer, ask: Ask, kind: str, path: str) -> None:
        server.sandbox("one").state = "stopped"
        server.stopped_answer = kind
        answer = ask("GET", path, params={"path": "/"})
        assert answer.status_code in (400, 404, 502)
        assert answer.content == b"" or set(answer.json()) == KEYS

    @pytest.mark.parametrize("session", [True, False])
    def test_under_a_request(
        self, timing: Timing, api: httpx.Client, ask: Ask, session: bool
    ) -> None:
        timing.stop = 0.5
        stopping = threading.Timer(0.3, lambda: api.post("/sandbox/one/stop"))
        stopping.start()
        path = "/process/execute"
        if session:
            ask("POST", "/process/session", json={"sessionId": "mine"})
            path = "/process/session/mine/exec"
        answer = ask("POST", path, json={"command": "sleep 600"})
        stopping.join()
        assert (answer.status_code, answer.content) == (502, b"")


class TestExecute:
    @pytest.mark.parametrize(
        ("request_", "code", "result"),
        [
            ({"command": "echo out; echo err >&2; exit 3"}, 3, "out\nerr\n"),
            (
                {"command": "echo $A from $PWD", "envs": {"A": "b"}, "cwd": "/usr"},
                0,
                "b from /usr\n",
            ),
            ({"command": "cat\necho its input"}, 0, "echo its input"),
            ({"command": "ls", "cwd": "/no/such"}, -1, "chdir /no/such: no such file or directory"),
            ({"command": r"printf '\377\342\202'"}, 0, "\ufffd\ufffd\ufffd"),
        ],
    )
    def test_a_script(self, ask: Ask, request_: dict[str, object], code: int, result: str) -> None:
        answer = ask("POST", "/process/execute", json=request_)
        assert answer.json() == {"exitCode": code, "result": result}

    def test_it_has_a_timeout(self, ask: Ask) -> None:
        body = {"command": "sleep 600 & sleep 600", "timeout": 1}
        answer = ask("POST", "/process/execute", json=body)
        refused(answer, 408, "request timeout: command execution timeout", "REQUEST_TIMEOUT")


class TestFaults:
    @pytest.mark.parametrize("path", ["/work-dir", "/process/session", "/files/download"])
    @pytest.mark.parametrize("status", [429, 502, 503])
    def test_an_answer_instead(
        self, server: DaytonaServer, ask: Ask, path: str, status: int
    ) -> None:
        server.fail_next("*", "/toolbox/.*", Fault(status=status, headers={"Retry-After": "1"}))
        answer = ask("GET", path)
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")

    @pytest.mark.parametrize("cut", [0, 1, 500_000])
    def test_a_body_that_is_cut(self, server: DaytonaServer, ask: Ask, cut: int) -> None:
        (server.home("one") / "file").write_bytes(bytes(1_000_000))
        server.fail_next("GET", "/toolbox/.*/download", Fault(cut=cut))
        with pytest.raises(httpx.RemoteProtocolError):
            ask("GET", "/files/download", params={"path": "file"})
        assert server.requests[-1].sent == cut
        whole = ask("GET", "/files/download", params={"path": "file"})
        assert len(whole.content) == server.requests[-1].sent == 1_000_000

    @pytest.mark.parametrize("fault", [Fault(drop=True), Fault(lose_answer=True)])
    def test_one_that_is_lost(self, server: DaytonaServer, ask: Ask, fault: Fault) -> None:
        server.fail_next("POST", "/toolbox/.*/session", fault)
        with pytest.raises(httpx.RemoteProtocolError):
            ask("POST", "/process/session", json={"sessionId": "mine"})
        assert len(ask("GET", "/process/session").json()) == fault.lose_answer

    def test_what_was_sent_is_counted(self, server: DaytonaServer, ask: Ask) -> None:
        answer = ask("POST", "/process/execute", json={"command": "seq 1000"})
        assert server.requests[-1].sent == len(answer.content)
