"""Reaching into a machine: its preview address, its health and its log, and who gets which key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.models import Health, Machine, MachineState
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.api.wire import SandboxAnswer, read
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from os2cli.providers.daytona.machines.sandboxes import machine_from
from tests.clock import Time
from tests.unit.providers.daytona.answers import SANDBOX, SPEC, sandbox
from tests.unit.providers.daytona.wires import (
    ACCESS,
    KEY,
    Answer,
    Wire,
    lost,
    ok,
    refused,
    web_page,
)

ID = sandbox()["id"]
PREVIEW = f"GET /sandbox/{ID}/ports/3000/preview-url"
URL = "https://3000-abc.proxy.example"
HEALTH = f"GET {URL}/api/health"
LOG = f"GET http://127.0.0.1:4000/toolbox/{ID}/process/session/entrypoint/logs"
BY_NAME = f"GET /sandbox/{SANDBOX}"


@pytest.fixture
def machines(client: DaytonaClient) -> DaytonaMachines:
    return DaytonaMachines(client, "dev-jonas", Path("/nowhere"))


@pytest.fixture
def machine() -> Machine:
    return machine_from(read(SandboxAnswer, sandbox(), "asking"))


def preview(token: str | None, url: str = URL) -> httpx.Response:
    return ok({"sandboxId": ID, "url": url, "token": token})


class TestProbe:
    def test_asks_the_daemon_as_its_user_would(
        self, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        wire.on(PREVIEW, preview("token-1")).on(HEALTH, ok({"ok": True}), ok({"ok": True}))

        assert machines.probe(machine) is Health.HEALTHY
        assert machines.probe(machine) is Health.HEALTHY
        assert wire.last.headers["X-Daytona-Preview-Token"] == "token-1"
        assert wire.last.headers["X-Daytona-Skip-Preview-Warning"] == "true"
        assert wire.last.headers["X-Daytona-Skip-Last-Activity-Update"] == "true"

    def test_never_sends_the_key_there(
        self, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        # Not even to one on the API's own host.
        wire.on(PREVIEW, preview("token-1", "http://127.0.0.1:3986/preview/"))
        wire.on("GET http://127.0.0.1:3986/preview/api/health", ok({}))

        machines.probe(machine)

        assert KEY in str(wire.requests[0].headers.raw)
        assert KEY not in str(wire.last.headers.raw)
        assert "authorization" not in wire.last.headers

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(302, headers={"Location": "https://auth.example/login"}),
            httpx.Response(307, headers={"Location": f"{URL}/callback"}),
            refused(401),
            web_page(),
            httpx.Response(200, text="ok"),
            httpx.Response(200),
        ],
        ids=["302", "307", "401", "web page", "text", "nothing"],
    )
    def test_any_other_answer_means_starting_and_another_token(
        self, answer: httpx.Response, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        wire.on(PREVIEW, preview("token-1")).on(HEALTH, answer)
        wire.on(PREVIEW, preview("token-2")).on(HEALTH, ok({}))

        assert machines.probe(machine) is Health.STARTING
        assert machines.probe(machine) is Health.HEALTHY
        assert wire.last.headers["X-Daytona-Preview-Token"] == "token-2"

    @pytest.mark.parametrize(
        "answer",
        [lost(), httpx.ConnectError("refused"), httpx.ReadTimeout(""), refused(502), web_page(503)],
        ids=["lost", "refused", "late", "502", "503"],
    )
    def test_while_nothing_listens_there_it_is_starting_and_the_token_stays(
        self, answer: Answer, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        wire.on(PREVIEW, preview("token-1")).on(HEALTH, answer, ok({}))

        assert machines.probe(machine) is Health.STARTING
        assert machines.probe(machine) is Health.HEALTHY

    @pytest.mark.parametrize(
        "answer",
        [refused(404), refused(429), refused(500), lost(), ok({}), ok({"url": None}), web_page()],
        ids=["404", "429", "500", "lost", "empty", "null", "web page"],
    )
    def test_an_unavailable_address_means_starting(
        self,
        answer: Answer,
        machines: DaytonaMachines,
        machine: Machine,
        wire: Wire,
        time: Time,
    ) -> None:
        wire.on(PREVIEW, answer)

        assert machines.probe(machine) is Health.STARTING
        assert time.slept == []

    @pytest.mark.parametrize(
        ("url", "token"),
        [("https://3000..example", "t"), ("https://x:port", "t"), ("gopher://x", "t"), (URL, "ü")],
    )
    def test_an_address_that_is_none_means_starting(
        self, url: str, token: str, machine: Machine, time: Time
    ) -> None:
        """With the real transport: it is the one that does not like them."""

        class ApiAlone(httpx.HTTPTransport):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                if request.url.path.startswith("/api/sandbox"):
                    return preview(token, url)
                return super().handle_request(request)

        client = DaytonaClient(ACCESS, transport=ApiAlone(verify=False), clock=time.clock)

        assert (
            DaytonaMachines(client, "dev-jonas", Path("/nowhere")).probe(machine) is Health.STARTING
        )

    @pytest.mark.parametrize("state", [s for s in MachineState if s is not MachineState.RUNNING])
    def test_of_a_stopped_machine_sends_nothing(
        self, state: MachineState, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        assert machines.probe(replace(machine, state=state)) is Health.NONE
        assert machines.address(replace(machine, state=state)) is None
        assert wire.requests == []

    def test_after_a_start_asks_for_the_new_token(
        self, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        wire.on(PREVIEW, preview("token-1")).on(HEALTH, ok({}))
        wire.on(BY_NAME, ok(sandbox(state="stopped"))).on(f"POST /sandbox/{ID}/start", ok({}))
        wire.on(f"GET /sandbox/{ID}", ok(sandbox()))
        wire.on(PREVIEW, preview("token-2")).on(HEALTH, ok({}))

        machines.probe(machine)
        machines.start("dev-1")
        machines.probe(machine)

        assert wire.last.headers["X-Daytona-Preview-Token"] == "token-2"


class TestAddress:
    def test_is_asked_for_once(
        self, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        wire.on(PREVIEW, preview(None, f"{URL}/"))

        assert machines.address(machine) == machines.address(machine) == URL

    def test_that_is_unavailable_is_none(
        self, machines: DaytonaMachines, machine: Machine, wire: Wire
    ) -> None:
        wire.on(PREVIEW, refused(500))

        assert machines.address(machine) is None


class TestLog:
    def answered(self, wire: Wire, answer: Answer, **changes: Any) -> Wire:
        return wire.on(BY_NAME, ok(sandbox(**changes))).on(LOG, answer)

    @pytest.mark.parametrize(
        ("answer", "lines"),
        [
            (httpx.Response(200, text="one\ntwo\nthree\n"), ("two", "three")),
            (ok({"output": "one\ntwo\nthree\n"}), ("two", "three")),
            (ok({"stdout": "one\n", "stderr": "two\n"}), ("one", "two")),
            (ok({"output": "", "stdout": "one\n", "stderr": None}), ("one",)),
            (ok({"stdout": None}), ()),
            (ok({}), ()),
            (ok([]), ()),
            (ok("text"), ()),
            (httpx.Response(200, content=b"{", headers={"content-type": "application/json"}), ()),
            (httpx.Response(200, content=b"\xff\n"), ("�",)),
            (httpx.Response(200), ()),
            (lost(), ()),
            (httpx.ReadTimeout("late"), ()),
            (httpx.DecodingError("no gzip"), ()),
            (UnicodeError("label empty or too long"), ()),
        ],
    )
    def test_is_the_end_of_what_was_written_or_nothing(
        self, answer: Answer, lines: tuple[str, ...], machines: DaytonaMachines, wire: Wire
    ) -> None:
        self.answered(wire, answer)

        assert machines.log_tail("dev-1", 2) == lines

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_of_a_refusal_is_nothing(
        self, status: int, machines: DaytonaMachines, wire: Wire
    ) -> None:
        self.answered(wire, refused(status, Location="https://evil.example"))
        wire.on(f"GET /sandbox/{ID}", ok(sandbox()))

        assert machines.log_tail("dev-1", 2) == ()

    def test_shows_no_values_of_variables_and_no_key(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on("POST /sandbox", ok(sandbox()))
        text = f"TOKEN=hush-hush\nkey {KEY}\n"
        wire.on(f"GET /sandbox/{ID}", ok(sandbox())).on(LOG, httpx.Response(200, text=text))

        machines.create(SPEC)

        assert machines.log_tail("dev-1", 2) == ("TOKEN=•••", "key •••")

    @pytest.mark.parametrize(
        ("config", "keyed"),
        [
            (ok({"proxyToolboxUrl": "https://proxy.example/t"}), True),
            (ok({"proxyToolboxUrl": "https://proxy.example.evil/t"}), False),
            (ok({"proxyToolboxUrl": None}), False),
            (ok({}), False),
            (ok([]), False),
            (refused(500), False),
            (web_page(), False),
        ],
    )
    def test_another_host_gets_the_key_only_where_the_api_names_it_its_proxy(
        self, config: httpx.Response, keyed: bool, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, ok(sandbox(toolboxProxyUrl="https://proxy.example/t/")))
        path = f"https://proxy.example/t/{ID}/process/session/entrypoint/logs"
        wire.on("GET /config", config).on(f"GET {path}", httpx.Response(200, text="one\n"))

        assert machines.log_tail("dev-1", 2) == ("one",)
        assert (KEY in str(wire.last.headers.raw)) is keyed

    def test_the_apis_own_host_gets_the_key_and_little_time(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        self.answered(wire, httpx.Response(200, text="one\n"))

        machines.log_tail("dev-1", 2)

        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"
        assert wire.last.extensions["timeout"]["read"] == FAST.answer_seconds

    @pytest.mark.parametrize("url", [None, ""])
    def test_without_an_address_is_nothing(
        self, url: str | None, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, ok(sandbox(toolboxProxyUrl=url)))

        assert machines.log_tail("dev-1", 2) == ()

    @pytest.mark.parametrize("url", ["https://[::1", "https://x:port"])
    def test_at_an_address_that_is_none_is_nothing(
        self, url: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, ok(sandbox(toolboxProxyUrl=url))).on("GET /config", ok({}))

        assert machines.log_tail("dev-1", 2) == ()

    def test_of_a_machine_that_is_not_there_is_nothing(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, refused(404)).on("GET /sandbox", ok({"items": []}))

        assert machines.log_tail("dev-1", 2) == ()
