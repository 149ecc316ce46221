"""os2 analytics: users see what is sent, decide about it, and get one notice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pexpect
import pytest

from os2cli.app.fixes import run_fixes
from os2cli.app.session import Session
from os2cli.core.fix import Fix
from os2cli.core.models import DAYTONA, LOCAL_DOCKER
from os2cli.core.progress import Progress
from os2cli.output.progress import SilentProgress
from os2cli.settings.invocation import Invocation
from tests.analytics import KEY, State, sent_to, state_of, told
from tests.cli.lives import machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.polling import until
from tests.posthog_server import PostHogServer

LONG = 60
FAILING = ("machine", "rm", "one", "--type", "local-docker")
NOTICE = "Usage data (commands and their results, no names) is sent to"


@pytest.fixture
def mine(os2: Os2, posthog: PostHogServer) -> Os2:
    """The CLI with a project to send usage to."""
    return Os2(os2.folder, {**os2.env, **sent_to(posthog)})


@pytest.fixture
def state(os2: Os2) -> State:
    return state_of(os2.env["HOME"])


def files(os2: Os2) -> list[str]:
    """Return every file in the home."""
    return sorted(str(path) for path in Path(os2.env["HOME"]).rglob("*"))


class TestWithoutAKey:
    @pytest.mark.parametrize("argv", [FAILING, ("stage", "--stage", "stg"), ("doctor",)])
    def test_nothing_is_kept(self, argv: tuple[str, ...], os2: Os2) -> None:
        os2(*argv)

        assert [path for path in files(os2) if "analytics" in path] == []

    @pytest.mark.parametrize("argv", [FAILING, ("stage", "--stage", "stg"), ("--version",)])
    def test_nothing_is_imported(self, argv: tuple[str, ...], os2: Os2) -> None:
        script = (
            "import sys\n"
            "from os2cli.cli import main\n"
            "main(sys.argv[1:])\n"
            "print([m for m in sys.modules if 'analytics' in m or 'posthog' in m])\n"
        )

        assert os2.python(script, *argv).stdout.splitlines()[-1] == "[]"

    def test_with_one_the_sdk_is_not_either(self, mine: Os2) -> None:
        script = (
            "import sys\n"
            "from os2cli.cli import main\n"
            "main(sys.argv[1:])\n"
            "print([m for m in sys.modules if 'posthog' in m])\n"
        )

        assert mine.python(script, *FAILING).stdout.splitlines()[-1] == "[]"

    def test_the_status_is_printed(self, os2: Os2) -> None:
        result = os2("analytics", "status")

        assert result.status == 0
        assert "off: POSTHOG_KEY is not set" in result.stdout
        assert [path for path in files(os2) if "analytics" in path] == []


class TestConsent:
    @pytest.mark.parametrize(
        "env", [{"DO_NOT_TRACK": "1"}, {"OS2_TELEMETRY": "0"}, {"CI": "true"}], ids=str
    )
    def test_off_means_off(
        self, env: dict[str, str], mine: Os2, posthog: PostHogServer, state: State
    ) -> None:
        result = mine(*FAILING, env=env)

        assert result.status == 8
        assert not state.folder.exists()
        assert posthog.requests == []

    def test_it_can_be_turned_on_in_ci(self, mine: Os2, posthog: PostHogServer) -> None:
        mine(*FAILING, env={"CI": "true", "OS2_TELEMETRY": "1"})

        until(lambda: posthog.named("machine_removed"), LONG)

    def test_off_and_on_again(self, mine: Os2, posthog: PostHogServer, state: State) -> None:
        with state.undelivered():
            mine(*FAILING)

            off = mine("analytics", "off")

            assert (off.status, off.stderr) == (0, "")
            assert off.stdout == "analytics are off: set by os2 analytics off\n"
            # The waiting event is gone, and none arrives.
            mine(*FAILING)
            assert state.waiting == []
        assert "analytics are on" in mine("analytics", "on").stdout
        mine(*FAILING)
        until(lambda: len(posthog.events) == 1, LONG)

    def test_an_overridden_choice_is_kept_and_reported(self, mine: Os2) -> None:
        result = mine("analytics", "on", env={"DO_NOT_TRACK": "1"})

        assert result.stdout == "analytics are off: DO_NOT_TRACK is set\n"
        assert result.stderr == (
            "your choice is saved, but DO_NOT_TRACK is set, which takes precedence\n"
        )
        assert mine("analytics", "on", "-q").stdout == "on\n"

    def test_off_that_can_not_be_saved_is_an_error(self, mine: Os2, state: State) -> None:
        state.folder.parent.mkdir(parents=True)
        state.folder.write_text("a file")

        result = mine("analytics", "off", "--json")

        assert (result.status, result.json()["error"]["code"]) == (1, "state_not_written")
        assert "OS2_TELEMETRY=0" in result.json()["error"]["hint"]

    def test_an_invalid_host(self, os2: Os2, state: State) -> None:
        wrong = Os2(os2.folder, {**os2.env, **sent_to("nonsense")})

        assert wrong(*FAILING) == os2(*FAILING)
        assert not state.folder.exists()
        for word in ("status", "on"):
            result = wrong("analytics", word)
            assert result.status == 2
            assert "POSTHOG_HOST is not a web address" in result.stderr
        # A user can opt out without fixing the host first.
        assert wrong("analytics", "off").status == 0

    def test_invalid_settings_are_reported_by_the_command(self, mine: Os2) -> None:
        result = mine("stage", env={"OS2_TIMEOUT": "soon"})

        assert result.status == 2
        assert result.stderr.count("error:") == 1


class TestStatus:
    def test_everything_that_is_in_effect(self, mine: Os2, posthog: PostHogServer) -> None:
        env = {"OS2_ORGANIZATION": "acme", "OS2_EMAIL": "jo@acme.example", "APP_STAGE": "stg"}
        mine(*FAILING, env=env)
        until(lambda: posthog.named("machine_removed"), LONG)
        until(lambda: mine("analytics", "status", "--json").json()["delivered"], LONG)

        document = mine("analytics", "status", "--json", env=env).json()
        text = mine("analytics", "status", env=env).stdout

        assert document["on"] is True
        assert document["id"] == posthog.events[0]["distinct_id"]
        assert document["groups"] == {"organization": "acme"}
        assert (document["email_set"], document["environment"]) == (True, "stg")
        assert (document["waiting"], document["failed"], document["next_attempt"]) == (
            0,
            None,
            None,
        )
        assert "groups       organization acme\n" in text
        assert "delivered    just now\n" in text or " s ago\n" in text
        assert "jo@acme.example" not in text + json.dumps(document)
        assert KEY not in text + json.dumps(document)

    def test_a_failure_and_when_it_is_tried_again(
        self, mine: Os2, posthog: PostHogServer, state: State
    ) -> None:
        posthog.behaviour = "refuse"
        mine(*FAILING)
        until(lambda: posthog.requests, LONG)
        state.settle()

        document = mine("analytics", "status", "--json").json()
        text = mine("analytics", "status").stdout

        assert document["failure"] == "PostHog rejected the API key: 401"
        assert document["next_attempt"] > document["failed"]
        assert document["waiting"] == 1
        assert "waiting      1 event\n" in text
        assert "PostHog rejected the API key: 401" in text

    def test_one_word(self, mine: Os2) -> None:
        assert mine("analytics", "status", "-q").stdout == "on\n"


class TestShow:
    def test_what_was_sent_exactly_as_it_was(
        self, mine: Os2, posthog: PostHogServer, state: State
    ) -> None:
        for _ in range(2):
            mine(*FAILING)
            state.settle()
        until(lambda: len(posthog.events) == 2, LONG)

        shown = mine("analytics", "show", "--json").json()

        assert shown["events"] == posthog.events
        assert shown["waiting"] == 0
        decoder, text, found = json.JSONDecoder(), mine("analytics", "show").stdout, []
        while text.strip():
            event, end = decoder.raw_decode(text)
            found.append(event)
            text = text[end:].lstrip()
        assert found == posthog.events
        assert mine("analytics", "show", "-n", "1", "--json").json()["events"] == found[1:]
        assert mine("analytics", "show", "-q").stdout.split() == ["machine_removed"] * 2

    def test_what_waits_is_mentioned(self, mine: Os2, state: State) -> None:
        with state.undelivered():
            mine(*FAILING)

        result = mine("analytics", "show")

        assert result.stdout == ""
        assert result.stderr == "no events sent yet\n1 event more waiting to be sent\n"


class TestIdentity:
    def test_reset_creates_a_new_identity(self, mine: Os2, state: State) -> None:
        mine = Os2(mine.folder, {**mine.env, "OS2_EMAIL": "jo@acme.example", "OS2_PROJECT": "app"})
        with state.undelivered():
            mine(*FAILING)
            result = mine("analytics", "reset")
            mine(*FAILING)

        before, after = state.waiting[:3], state.waiting[3:]
        assert [event.name for event in before] == ["$groupidentify", "$set", "machine_removed"]
        assert [event.name for event in after] == ["$groupidentify", "$set", "machine_removed"]
        ids = [{event.distinct_id for event in events} for events in (before, after)]
        assert [len(each) for each in ids] == [1, 1]
        assert ids[0] != ids[1]
        assert result.stdout == f"new id: {ids[1].pop()}\n"

    def test_reset_without_a_key_keeps_nothing(self, os2: Os2, state: State) -> None:
        assert os2("analytics", "reset", "--json").json()["id"] is None
        assert not state.folder.exists()

    def test_the_address_is_a_property_and_no_id(
        self, mine: Os2, posthog: PostHogServer, state: State
    ) -> None:
        with state.undelivered():
            for address in ("jo@acme.example", "jo@acme.example", "jo@other.example"):
                mine(*FAILING, env={"OS2_EMAIL": address})

        told_of = [event.properties["$set"] for event in state.waiting if event.name == "$set"]
        assert told_of == [{"email": "jo@acme.example"}, {"email": "jo@other.example"}]
        assert [event for event in state.waiting if "@" in event.distinct_id] == []
        mine("stage")
        until(lambda: len(posthog.events) == 5, LONG)
        assert len(posthog.named("$set")) == 2

    def test_groups_are_sent_once_for_each_change(self, mine: Os2, state: State) -> None:
        with state.undelivered():
            for organization in ("acme", "acme", "other", "other"):
                mine(*FAILING, env={"OS2_ORGANIZATION": organization, "OS2_PROJECT": "app"})

        groups = [event.properties for event in state.waiting if event.name == "$groupidentify"]
        assert [(g["$group_type"], g["$group_key"]) for g in groups] == [
            ("organization", "acme"),
            ("project", "app"),
            ("organization", "other"),
        ]
        assert all(group["$environment"] == "dev" for group in groups)
        removed = [event for event in state.waiting if event.name == "machine_removed"]
        assert [event.groups["organization"] for event in removed] == ["acme"] * 2 + ["other"] * 2

    def test_daytona_s_id_takes_over_without_a_request_for_it(
        self, cloud: Os2, daytona: DaytonaServer, posthog: PostHogServer, state: State
    ) -> None:
        mine = Os2(cloud.folder, {**cloud.env, **sent_to(posthog)})
        machine(daytona, "one")
        (cloud.folder / "sandbox").mkdir()
        (cloud.folder / "sandbox" / "Dockerfile").write_text("FROM scratch\n")
        with state.undelivered():
            mine("machine", "stop", "one", "--yes")
            (stopped,) = state.waiting
            requests = len(daytona.requests)
            # It always checks its key.
            mine("snapshot", "daytona")
            mine("machine", "rm", "one", "--yes")

        asked = [r for r in daytona.requests[requests:] if r.path.endswith("/api-keys/current")]
        assert len(asked) == 1
        _, identify, published, removed = state.waiting
        assert [e.name for e in (identify, published, removed)] == [
            "$identify",
            "snapshot_published",
            "machine_removed",
        ]
        user = identify.distinct_id
        assert user != stopped.distinct_id
        assert identify.properties["$anon_distinct_id"] == stopped.distinct_id
        assert {published.distinct_id, removed.distinct_id} == {user}
        status = mine("analytics", "status", "--json").json()
        assert (status["id"], status["id_of_daytona"]) == (user, True)

    @pytest.mark.parametrize("user", ["None", "undefined", str(UUID(int=0)), "jo@acme.example"])
    def test_what_is_not_an_id_of_daytona_takes_nothing_over(
        self, cloud: Os2, daytona: DaytonaServer, posthog: PostHogServer, state: State, user: str
    ) -> None:
        daytona.user_id = user
        mine = Os2(cloud.folder, {**cloud.env, **sent_to(posthog)})
        (cloud.folder / "sandbox").mkdir()
        (cloud.folder / "sandbox" / "Dockerfile").write_text("FROM scratch\n")
        with state.undelivered():
            mine("snapshot", "daytona")
            events = state.waiting

        assert [event.name for event in events] == ["snapshot_published"]
        assert str(UUID(events[0].distinct_id)) == events[0].distinct_id != user
        assert user not in state.everything()

    def test_each_event_keeps_the_identity_of_its_time(self, mine: Os2, state: State) -> None:
        with state.undelivered():
            mine(*FAILING)
            first = state.waiting[0].distinct_id
            mine("analytics", "reset")

        assert [event.distinct_id for event in state.waiting] == [first]


class TestNotice:
    def on_a_terminal(self, os2: Os2, *argv: str) -> str:
        words = os2.argv(*argv)
        env: Any = {**os2.env, "TERM": "dumb"}
        child = pexpect.spawn(
            words[0], words[1:], cwd=str(os2.folder), env=env, encoding="utf-8", timeout=LONG,
            dimensions=(24, 200),
        )  # fmt: skip
        child.expect(pexpect.EOF)
        text: str = child.before or ""
        child.close()
        return text

    def test_it_is_shown_once(self, mine: Os2, posthog: PostHogServer) -> None:
        first = self.on_a_terminal(mine, "stage", "--stage", "stg")
        second = self.on_a_terminal(mine, "stage", "--stage", "stg")

        assert first.count(NOTICE) == 1
        assert posthog.url in first
        assert "os2 analytics show" in first
        assert "os2 analytics off" in first
        assert NOTICE not in second

    @pytest.mark.parametrize(
        "flags",
        [("--quiet",), ("--json",), ("--progress", "json"), ("--progress", "none")],
        ids=str,
    )
    def test_programs_get_no_notice(self, flags: tuple[str, ...], mine: Os2) -> None:
        assert NOTICE not in self.on_a_terminal(mine, "stage", "--stage", "stg", *flags)
        # A user gets it afterwards.
        assert NOTICE in self.on_a_terminal(mine, "stage", "--stage", "stg")

    def test_a_pipe_gets_no_notice(self, mine: Os2) -> None:
        assert NOTICE not in mine("stage", "--stage", "stg").stderr

    @pytest.mark.parametrize("env", [{"DO_NOT_TRACK": "1"}, {"POSTHOG_KEY": ""}], ids=str)
    def test_untracked_users_get_no_notice(self, env: dict[str, str], mine: Os2) -> None:
        alone = Os2(mine.folder, {**mine.env, **env})

        assert NOTICE not in self.on_a_terminal(alone, "stage", "--stage", "stg")

    def test_turning_it_off_shows_no_notice(self, mine: Os2) -> None:
        assert NOTICE not in self.on_a_terminal(mine, "analytics", "off")


class TestOtherSurfaces:
    """The web UI's use: operations in threads, without a command line."""

    @pytest.fixture
    def session(self, mine: Os2, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Session]:
        monkeypatch.chdir(mine.folder)
        for name, value in {**mine.env, "VITE_POSTHOG_PUBLIC_KEY": "phc_public"}.items():
            monkeypatch.setenv(name, value)
        return lambda: Session.open(Invocation())

    @pytest.fixture
    def state(self, state: State) -> Iterator[State]:
        """Keep events in the spool."""
        with state.undelivered():
            yield state

    def test_an_operation_is_tracked(self, session: Callable[[], Session], state: State) -> None:
        given = {"names": ["one"], "force": True}
        with session().analytics.tracked("machine.rm", given, surface="ui") as mutation:
            mutation.touched(DAYTONA)

        (event,) = state.waiting
        assert event.name == "machine_removed"
        assert told(event.properties) == {
            "procedure": "machine.rm",
            "success": True,
            "surface": "ui",
            "count": 1,
            "all": False,
            "force": True,
            "provider": "daytona",
            "machine_type": "daytona",
            "$environment": "dev",
        }

    def test_its_exception_is_raised_on(self, session: Callable[[], Session], state: State) -> None:
        with (
            pytest.raises(ZeroDivisionError),
            session().analytics.tracked("machine.start", {}, surface="ui"),
        ):
            print(1 / 0)  # noqa: T201

        (event,) = state.waiting
        assert event.properties["error_code"] == "unexpected"

    def test_concurrent_ones_are_separate(
        self, session: Callable[[], Session], state: State
    ) -> None:
        analytics = session().analytics

        def change(number: int) -> None:
            with analytics.tracked("machine.stop", {"names": [number]}, surface="ui") as mutation:
                mutation.touched(DAYTONA if number % 2 else LOCAL_DOCKER)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(change, range(40)))

        types = [event.properties["provider"] for event in state.waiting]
        assert sorted(types) == ["daytona"] * 20 + ["local-docker"] * 20
        assert len({event.distinct_id for event in state.waiting}) == 1

    def test_a_fix_is_an_operation(self, session: Callable[[], Session], state: State) -> None:
        here = session()
        done: list[Progress] = []
        fix = Fix("mend it", "mend it", (), done.append)
        with here.analytics.tracked("doctor", {"fix": True}, surface="cli"):
            run_fixes(here, [fix], SilentProgress(), yes=True, command="os2 doctor --fix --yes")

        (event,) = state.waiting
        assert (len(done), event.name) == (1, "doctor_fixed")
        assert event.properties["success"] is True
        assert event.properties["provider"] == "local-docker"

    def test_turning_it_off_takes_effect_at_once(
        self, session: Callable[[], Session], mine: Os2, state: State
    ) -> None:
        analytics = session().analytics
        mine("analytics", "off")

        with analytics.tracked("machine.rm", {}, surface="ui") as mutation:
            mutation.touched(DAYTONA)

        assert state.waiting == []
        assert analytics.browser() is None

    def test_the_page_gets_its_identity(self, session: Callable[[], Session], state: State) -> None:
        page = session().analytics.browser()
        with session().analytics.tracked("machine.rm", {}, surface="ui") as mutation:
            mutation.touched(DAYTONA)

        assert page is not None
        assert page.public_key == "phc_public"
        assert page.distinct_id == state.waiting[0].distinct_id

    def test_it_is_delivered(self, session: Callable[[], Session], posthog: PostHogServer) -> None:
        with session().analytics.tracked("machine.rm", {}, surface="ui") as mutation:
            mutation.touched(DAYTONA)

        until(lambda: posthog.named("machine_removed"), LONG)
