"""Looking at machines on Daytona: it does not keep them awake, and asks for what is shown alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.lives import DAYTONA, browser, going_on, machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.daytona_server.records import RecordedRequest, SandboxRecord
from tests.polling import until
from tests.ui_site import Visitor, serving

pytestmark = pytest.mark.usefixtures("published")
IDLE_MINUTES = 15
PAGE = "/machines/daytona/a"
LOOKS = (
    ("list",),
    ("list", "--json"),
    ("list", "--filter", "health=healthy", "-q"),
    ("show", "a"),
    ("wait", "a"),
    ("wait", "a", "--for", "running"),
    ("logs", "a"),
    ("logs", "a", "--tail", "1"),
)
PAGES = ("/machines?part", "/machines", "/machines?all&part", f"{PAGE}?part", PAGE)


@pytest.fixture
def a(daytona: DaytonaServer) -> SandboxRecord:
    """A machine that stops when it is idle, and soon will be."""
    sandbox = machine(daytona, "a")
    sandbox.intervals["autoStopInterval"] = IDLE_MINUTES
    sandbox.log.append("a line")
    daytona.advance(minutes=IDLE_MINUTES - 1)
    return sandbox


@contextmanager
def tab(cloud: Os2) -> Iterator[Visitor]:
    """Open ``os2 ui`` in one tab."""
    with serving(cloud) as site, Visitor(site) as visitor:
        yield visitor
        site.end()


def reached(daytona: DaytonaServer) -> list[RecordedRequest]:
    """Return the requests that went into a machine."""
    inside = [one for one in list(daytona.requests) if one.path.startswith("/toolbox/")]
    return [*daytona.preview_requests, *inside]


def assert_stops(daytona: DaytonaServer, a: SandboxRecord) -> None:
    assert a.state == "started"
    assert reached(daytona)
    daytona.advance(minutes=2)
    until(lambda: a.state == "stopped")


class TestAnIdleMachineStops:
    @pytest.mark.parametrize("look", LOOKS, ids=" ".join)
    def test_while_a_command_looks_at_it(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, look: tuple[str, ...]
    ) -> None:
        result = cloud("machine", *look, *DAYTONA)

        assert result.status == 0, result.stderr
        assert_stops(daytona, a)

    # A log that is followed is one connection.
    @pytest.mark.parametrize(("look", "requests"), [("list --watch", 2), ("logs a -f", 1)])
    def test_while_a_command_goes_on_looking(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, look: str, requests: int
    ) -> None:
        with going_on(cloud, "machine", *look.split(), *DAYTONA):
            until(lambda: len(reached(daytona)) >= requests)
            assert_stops(daytona, a)

    def test_while_a_command_waits_for_its_health(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        daytona.stub_status = 503
        with going_on(cloud, "machine", "wait", "a", *DAYTONA):
            until(lambda: len(reached(daytona)) >= 2)
            assert_stops(daytona, a)

    def test_while_it_is_open_in_a_tab(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        with tab(cloud) as visitor:
            for page in PAGES:
                daytona.preview_requests.clear()
                stage = {"stage": "stg"} if page.startswith(PAGE) else {}
                assert visitor.get(page, params=stage or None).status_code == 200
                if page != "/machines":  # it has what is known already
                    until(lambda: daytona.preview_requests)
            assert_stops(daytona, a)

    def test_while_a_tab_follows_its_log(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        with (
            tab(cloud) as visitor,
            visitor.stream("GET", f"{PAGE}/logs", params={"stage": "stg"}) as log,
        ):
            lines = log.iter_lines()
            while "a line" not in next(lines):
                pass
            assert_stops(daytona, a)


class TestUse:
    """Running a program, copying and a browser keep a machine awake."""

    @pytest.mark.parametrize(
        "use",
        [("exec", "a", "--", "true"), ("cp", "notes", "a:notes"), ("cp", "a:/etc/hosts", ".")],
        ids=lambda use: use[0],
    )
    def test_counts(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, use: tuple[str, ...]
    ) -> None:
        (cloud.folder / "notes").write_text("x")

        cloud("machine", use[0], *DAYTONA, *use[1:])

        assert a.used is not None
        assert daytona.now() - a.used < timedelta(minutes=1)

    def test_in_a_browser_counts(self, cloud: Os2, a: SandboxRecord, tmp_path: Path) -> None:
        cloud = Os2(cloud.folder, {**cloud.env, **browser(tmp_path)})

        assert cloud("machine", "open", "a", *DAYTONA).status == 0

        until(lambda: a.used is not None)


class TestOnlyWhatIsShown:
    @pytest.fixture(autouse=True)
    def fleet(self, daytona: DaytonaServer) -> None:
        """Add machines of two stages, one of them stopped."""
        machine(daytona, "one")
        machine(daytona, "two")
        machine(daytona, "off", state="stopped")
        machine(daytona, "far", stage="pr-7")

    @pytest.mark.parametrize(
        ("options", "addresses", "probes"),
        [
            ((), {"one", "two"}, 2),
            (("--json",), {"one", "two"}, 2),
            (("--all-stages",), {"one", "two", "far"}, 3),
            (("--stage", "pr-7"), {"far"}, 1),
            (("--filter", "name=t*"), {"two"}, 1),
            (("--state", "stopped"), set(), 0),
            (("-q",), set(), 0),
            (("-q", "--filter", "health=healthy"), {"one", "two"}, 2),
            (("--columns", "name,owner,created"), set(), 0),
            (("--columns", "name,url"), {"one", "two"}, 0),
            (("--columns", "name,state"), {"one", "two"}, 2),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
    )
    def test_is_asked_for(
        self,
        cloud: Os2,
        daytona: DaytonaServer,
        options: tuple[str, ...],
        addresses: set[str],
        probes: int,
    ) -> None:
        result = cloud("machine", "list", *DAYTONA, *options)

        assert result.status == 0, result.stderr
        assert addressed(daytona) == addresses
        assert len(daytona.preview_requests) == probes

    @pytest.mark.parametrize(
        ("page", "addresses"), [("", {"one", "two"}), ("&all", {"one", "two", "far"})]
    )
    def test_is_asked_for_by_a_page(
        self, cloud: Os2, daytona: DaytonaServer, page: str, addresses: set[str]
    ) -> None:
        with tab(cloud) as visitor:
            text = visitor.get(f"/machines?part{page}").text
            until(lambda: len(daytona.preview_requests) == len(addresses))

        assert addressed(daytona) == addresses
        assert ("far" in text) is (page == "&all")


def addressed(daytona: DaytonaServer) -> set[str]:
    """Return the machines whose address was asked for."""
    return {
        sandbox.name.partition("--")[2]
        for sandbox in daytona.sandboxes
        if daytona.seen("GET", f"/sandbox/{sandbox.id}/ports/3000/preview-url")
    }
