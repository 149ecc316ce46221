"""Publishing a snapshot, on a store in memory and a clock that only waits move."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.core.errors import (
    Conflict,
    NotAuthorised,
    NotFound,
    OperationFailed,
    Os2Error,
    TimedOut,
    Unreachable,
    UsageError,
)
from os2cli.core.models import Snapshot, SnapshotResources, SnapshotState
from os2cli.core.progress import SILENT
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import Stage
from os2cli.host.interrupts import Interrupted
from os2cli.snapshots.activation import LOG_LATE_SECONDS, LOG_QUIET_SECONDS, activate
from os2cli.snapshots.building import BuildRequest, PublishRequest
from os2cli.snapshots.publishing import NAME_ATTEMPTS, Publication, Publisher
from tests.clock import Time
from tests.contract.memory_snapshots import (
    MemoryLog,
    MemorySnapshots,
    MemorySource,
    name_taken,
)
from tests.progress import RecordedProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAGE = Stage("stg", "--stage")
NOON = datetime(2026, 1, 11, 12, 0, 0, tzinfo=UTC)
REQUEST = PublishRequest(
    BuildRequest(root=Path("/repo"), dockerfile=Path("/repo/Dockerfile"), tag="x")
)
PENDING, BUILDING, ACTIVE, INACTIVE, REMOVING, FAILED, UNKNOWN = (
    SnapshotState.PENDING,
    SnapshotState.BUILDING,
    SnapshotState.ACTIVE,
    SnapshotState.INACTIVE,
    SnapshotState.REMOVING,
    SnapshotState.FAILED,
    SnapshotState.UNKNOWN,
)
MEET_SECONDS = 10


class Listener(RecordedProgress):
    """A recorded progress that gets a signal before or after the named phases."""

    def __init__(self, *, before: str = "", after: str = "") -> None:
        super().__init__()
        self.before = before
        self.after = after
        self.waiting = threading.Event()

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        with super().phase(title):
            if title == self.before:
                interrupt()
            yield
            if title == self.after:
                interrupt()

    def notice(self, message: str) -> None:
        super().notice(message)
        if message.startswith("waiting for another os2"):
            self.waiting.set()


def interrupt() -> None:
    raise Interrupted(signal.SIGINT)


def snapshot(
    minutes: int = 0,
    state: SnapshotState = ACTIVE,
    *,
    stage: str = "stg",
    key: str | None = "tree-1",
) -> Snapshot:
    moment = NOON + timedelta(minutes=minutes)
    name = str(SnapshotName(stage, moment))
    return Snapshot(f"id of {name}", name, state, moment, key=key)


class Scene:
    """A publisher with everything it reads or changes."""

    def __init__(self, folder: Path, *snapshots: Snapshot) -> None:
        self.folder = folder
        self.store = MemorySnapshots(*snapshots)
        self.source = MemorySource()
        self.time = Time()
        self.listener = Listener()
        self.preflights = 0
        self.preflight_failure: Os2Error | None = None

    def preflight(self) -> None:
        self.preflights += 1
        if self.preflight_failure is not None:
            raise self.preflight_failure

    def publish(
        self,
        request: PublishRequest = REQUEST,
        *,
        stage: Stage = STAGE,
        wait_seconds: float | None = 60,
        listener: Listener | None = None,
    ) -> Publication:
        publisher = Publisher(
            self.store, self.source, self.folder / "locks", self.preflight, self.time.clock
        )
        return publisher.publish(
            stage, request, wait_seconds=wait_seconds, progress=listener or self.listener
        )

    @property
    def made(self) -> str:
        """The name of the snapshot that was created last."""
        return self.store.asked_names[-1]

    def nothing_was_made(self) -> bool:
        return (self.source.deliveries, self.store.asked_names) == (0, [])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def with_snapshots(scene: Scene, *snapshots: Snapshot) -> None:
    for one in snapshots:
        scene.store.put(one)


class TestPublish:
    def test_a_snapshot_is_made_from_the_content_and_waited_for(self, scene: Scene) -> None:
        publication = scene.publish()

        assert publication.published
        assert publication.snapshot.state is ACTIVE
        assert publication.snapshot.key == "tree-1"
        assert publication.seconds >= 0
        assert scene.store.names == [publication.snapshot.name]
        assert [content.key for content in scene.store.contents] == ["tree-1"]
        assert scene.store.removals == []

    def test_its_name_is_the_stage_and_this_second(self, scene: Scene) -> None:
        before = datetime.now(UTC).replace(microsecond=0)

        name = SnapshotName.parse(scene.publish().snapshot.name)

        assert name.stage == "stg"
        assert before <= name.created <= datetime.now(UTC)

    def test_the_request_and_its_resources_are_passed_on(self, scene: Scene) -> None:
        request = replace(REQUEST, resources=SnapshotResources(8, 16, 20))

        publication = scene.publish(request)

        assert scene.source.requests == [replace(request, stage="stg")]
        assert publication.snapshot.resources == SnapshotResources(8, 16, 20)

    def test_the_phases_are_reported_in_order(self, scene: Scene) -> None:
        scene.publish()

        assert scene.listener.titles == [
            "preflight",
            "read context",
            "upload context",
            "create",
            "build",
        ]
        assert (scene.listener.notices, scene.listener.warnings) == ([], [])


class TestUnchanged:
    def test_the_same_content_as_that_of_the_newest_is_not_published_again(
        self, scene: Scene
    ) -> None:
        with_snapshots(scene, snapshot(5), snapshot(0, key="tree-0"))

        publication = scene.publish()

        assert (publication.snapshot, publication.published) == (snapshot(5), False)
        assert publication.seconds >= 0
        assert scene.nothing_was_made()

    def test_who_forces_it_gets_another(self, scene: Scene) -> None:
        with_snapshots(scene, snapshot(5))

        publication = scene.publish(replace(REQUEST, force=True))

        assert publication.published
        assert publication.snapshot.name != snapshot(5).name
        assert scene.source.deliveries == 1
        assert scene.store.names == sorted([snapshot(5).name, publication.snapshot.name])

    @pytest.mark.parametrize(
        "present",
        [
            [snapshot(5, key="tree-0")],
            [snapshot(5, key=None)],
            [snapshot(5, key="tree-0"), snapshot(0)],
            [snapshot(5, stage="prd")],
            [snapshot(5, stage="stg2")],
            [snapshot(5, INACTIVE)],
            [snapshot(5, FAILED)],
            [snapshot(5, REMOVING)],
            [snapshot(5, UNKNOWN)],
            [snapshot(5, BUILDING, key="tree-0")],
            [snapshot(5, BUILDING, stage="prd")],
            [snapshot(5, key="tree-0"), snapshot(0, BUILDING)],
            [replace(snapshot(5), general=True)],
        ],
        ids=[
            "other content",
            "not made by os2",
            "the newest has other content",
            "other stage",
            "longer stage",
            "inactive",
            "failed",
            "removing",
            "unknown",
            "other content is being built",
            "other stage is being built",
            "what is being built is older",
            "the provider's own",
        ],
    )
    def test_any_other_snapshot_does_not_prevent_publishing(
        self, present: list[Snapshot], scene: Scene
    ) -> None:
        with_snapshots(scene, *present)

        publication = scene.publish()

        assert publication.published
        assert publication.snapshot.name not in [s.name for s in present]


class TestBeingBuilt:
    """Another publisher is already building the same content."""

    @pytest.mark.parametrize("state", [PENDING, BUILDING])
    def test_it_is_waited_for_and_used(self, state: SnapshotState, scene: Scene) -> None:
        with_snapshots(scene, snapshot(0, key="tree-0"))
        scene.store.put(snapshot(5, state), becoming=[BUILDING, ACTIVE])

        publication = scene.publish()

        assert (publication.snapshot, publication.published) == (snapshot(5), False)
        assert scene.nothing_was_made()
        assert scene.time.slept == [0.3, 0.5]
        assert scene.listener.notices == [
            f"waiting for {snapshot(5).name}, which is built from the same inputs"
        ]

    def test_one_that_another_will_follow_is_not_enough(self, scene: Scene) -> None:
        with_snapshots(scene, snapshot(0), snapshot(5, BUILDING, key="tree-0"))

        publication = scene.publish()

        assert publication.published

    def test_who_does_not_wait_gets_it_as_it_is(self, scene: Scene) -> None:
        with_snapshots(scene, snapshot(5, BUILDING))

        publication = scene.publish(wait_seconds=None)

        assert (publication.snapshot, publication.published) == (snapshot(5, BUILDING), False)
        assert scene.nothing_was_made()
        assert (scene.time.slept, scene.listener.notices) == ([], [])

    def test_who_forces_it_gets_another(self, scene: Scene) -> None:
        with_snapshots(scene, snapshot(5, BUILDING))

        assert scene.publish(replace(REQUEST, force=True)).published
        assert scene.source.deliveries == 1

    def test_its_failure_is_reported_and_the_snapshot_is_left_alone(self, scene: Scene) -> None:
        scene.store.put(snapshot(5, BUILDING), becoming=[FAILED])

        with pytest.raises(OperationFailed):
            scene.publish()

        assert (scene.store.removals, scene.store.names) == ([], [snapshot(5).name])

    def test_waiting_for_it_times_out(self, scene: Scene) -> None:
        with_snapshots(scene, snapshot(5, BUILDING))

        with pytest.raises(TimedOut) as caught:
            scene.publish(wait_seconds=7)

        assert "--force builds another" in (caught.value.hint or "")
        assert sum(scene.time.slept) == pytest.approx(7, abs=2)
        assert (scene.store.removals, scene.store.names) == ([], [snapshot(5).name])

    def test_an_interrupt_leaves_it_to_who_made_it(self, scene: Scene) -> None:
        with_snapshots(scene, snapshot(5, BUILDING))
        scene.time.events[2] = interrupt

        with pytest.raises(Interrupted):
            scene.publish()

        assert (scene.store.removals, scene.store.names) == ([], [snapshot(5).name])


class TestBefore:
    """Known problems end it before anything is sent."""

    def test_a_preflight_that_fails(self, scene: Scene) -> None:
        scene.preflight_failure = NotAuthorised("the key may not write snapshots")

        with pytest.raises(NotAuthorised):
            scene.publish()

        assert scene.nothing_was_made()
        assert (scene.store.listings, scene.source.requests) == (0, [])

    def test_content_that_can_not_be_read(self, scene: Scene) -> None:
        scene.source.unusable = UsageError("the context holds a secret")

        with pytest.raises(UsageError):
            scene.publish()

        assert scene.preflights == 1
        assert scene.nothing_was_made()

    def test_content_that_can_not_be_delivered(self, scene: Scene) -> None:
        def fail() -> None:
            raise Unreachable("the object store does not answer")

        scene.source.on_deliver = fail

        with pytest.raises(Unreachable):
            scene.publish()

        assert scene.nothing_was_made()

    def test_a_store_that_does_not_answer(self, scene: Scene) -> None:
        scene.store.unreachable = Unreachable("the API does not answer")

        with pytest.raises(Unreachable):
            scene.publish()

        assert scene.source.requests == []

    def test_the_next_one_does_not_have_to_wait_for_one_that_failed(self, scene: Scene) -> None:
        scene.source.unusable = UsageError("the context holds a secret")
        with pytest.raises(UsageError):
            scene.publish()
        scene.source.unusable = None

        assert scene.publish().published
        assert scene.listener.notices == []


def taken_by_another(scene: Scene, key: str, state: SnapshotState) -> None:
    """Let another host publish in the second in which this one creates its snapshot."""
    ahead = [state] if state is FAILED else [state, ACTIVE]

    def publish() -> None:
        for second in range(3):
            moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=second)
            name = str(SnapshotName("stg", moment))
            scene.store.put(Snapshot(f"other-{second}", name, state, moment, key=key), ahead)

    scene.source.on_deliver = publish


class TestName:
    @pytest.mark.parametrize("taken", [1, 2, NAME_ATTEMPTS - 1])
    def test_a_taken_name_is_replaced_by_that_of_the_next_second(
        self, taken: int, scene: Scene
    ) -> None:
        scene.store.refusals = [name_taken("x")] * taken

        publication = scene.publish()

        moments = [SnapshotName.parse(name).created for name in scene.store.asked_names]
        assert moments == [moments[0] + timedelta(seconds=n) for n in range(taken + 1)]
        assert publication.snapshot.name == scene.made
        assert scene.listener.notices == [
            f"{name} is taken, trying the next second" for name in scene.store.asked_names[:-1]
        ]
        assert scene.source.deliveries == 1

    @pytest.mark.parametrize("state", [PENDING, BUILDING, ACTIVE])
    def test_a_name_that_another_host_took_for_the_same_content_is_used(
        self, state: SnapshotState, scene: Scene
    ) -> None:
        """Of two builds with the same text that start together, Daytona may never finish one."""
        taken_by_another(scene, "tree-1", state)

        publication = scene.publish()

        assert publication.snapshot.id.startswith("other-")
        assert (publication.snapshot.state, publication.published) == (ACTIVE, False)
        assert len(scene.store.asked_names) == 1
        assert scene.store.removals == []

    @pytest.mark.parametrize(
        ("key", "state", "force"),
        [("tree-2", BUILDING, False), ("tree-1", FAILED, False), ("tree-1", BUILDING, True)],
    )
    def test_one_that_is_not_the_same_is_not_used(
        self, key: str, state: SnapshotState, force: bool, scene: Scene
    ) -> None:
        taken_by_another(scene, key, state)

        publication = scene.publish(replace(REQUEST, force=force))

        assert publication.published
        assert not publication.snapshot.id.startswith("other-")
        assert len(scene.store.asked_names) > 1

    def test_when_all_are_taken_it_ends(self, scene: Scene) -> None:
        scene.store.refusals = [name_taken("x")] * (NAME_ATTEMPTS + 5)

        with pytest.raises(Conflict, match="no free name for a snapshot of stg") as error:
            scene.publish()

        assert error.value.code == "snapshot_exists"
        assert len(scene.store.asked_names) == NAME_ATTEMPTS
        assert scene.store.names == []

    def test_another_conflict_is_not_met_with_another_name(self, scene: Scene) -> None:
        refusal = Conflict("the organisation is being changed")
        scene.store.refusals = [refusal]

        with pytest.raises(Conflict) as caught:
            scene.publish()

        assert caught.value is refusal
        assert len(scene.store.asked_names) == 1


class TestWait:
    def test_it_takes_as_many_looks_as_it_takes(self, scene: Scene) -> None:
        scene.store.becoming = (PENDING, BUILDING, BUILDING, BUILDING, BUILDING, ACTIVE)

        publication = scene.publish()

        assert publication.snapshot.state is ACTIVE
        assert scene.time.slept == [0.3, 0.5, 1.0, 2.0, 2.0, 2.0]
        assert scene.listener.states == ["pending", "building"]

    @pytest.mark.parametrize("state", [UNKNOWN, INACTIVE])
    def test_a_state_that_says_nothing_is_waited_out(
        self, state: SnapshotState, scene: Scene
    ) -> None:
        scene.store.becoming = (BUILDING, state, ACTIVE)

        assert scene.publish().snapshot.state is ACTIVE
        assert state.value in scene.listener.states

    def test_one_that_is_there_at_once_is_not_waited_for(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)
        scene.store = Instant()

        assert scene.publish().snapshot.state is ACTIVE
        assert scene.time.slept == []

    def test_the_builders_lines_are_passed_on_also_the_last(self, scene: Scene) -> None:
        scene.store.log = MemoryLog(["step 1", "step 2"], late=["done"])
        scene.store.becoming = (BUILDING, ACTIVE)

        scene.publish()

        assert scene.listener.lines == ["step 1", "step 2", "done"]
        assert scene.store.log.cut

    def test_the_steps_of_the_log_tell_where_it_is(self, scene: Scene) -> None:
        scene.store.log = MemoryLog(
            ["#1 [internal] load build definition", "#7 [base 2/5] RUN npm ci", "#7 0.9 added 3"]
        )
        scene.store.becoming = (BUILDING, ACTIVE)

        scene.publish()

        assert "[base 2/5] RUN npm ci" in scene.listener.states
        assert not [state for state in scene.listener.states if "internal" in state]

    def test_without_a_wait_it_is_returned_as_it_was_created(self, scene: Scene) -> None:
        publication = scene.publish(wait_seconds=None)

        assert (publication.snapshot.state, publication.published) == (PENDING, True)
        assert (scene.time.slept, scene.listener.lines) == ([], [])
        assert "build" not in scene.listener.titles


class Instant(MemorySnapshots):
    """A store whose snapshots are active as soon as they are created."""

    def create(self, *arguments: object) -> Snapshot:
        made = super().create(*arguments)  # type: ignore[arg-type]
        return self.put(replace(made, state=ACTIVE))

    def build_log(self, snapshot: Snapshot) -> MemoryLog:
        del snapshot
        raise AssertionError("there is nothing to read")


class TestFailedBuild:
    @pytest.fixture
    def failing(self, scene: Scene) -> Scene:
        scene.store.becoming = (BUILDING, FAILED)
        scene.store.failure_reason = "exit code 7"
        scene.store.log = MemoryLog(["RUN make"], late=["make: *** no rule"])
        return scene

    def test_a_failed_build_reports_its_reason_and_the_end_of_the_log(self, failing: Scene) -> None:
        with pytest.raises(OperationFailed) as caught:
            failing.publish()

        error = caught.value
        assert error.code == "build_failed"
        assert error.message == f"snapshot {failing.made} failed to build: exit code 7"
        assert error.log_tail == ("RUN make", "make: *** no rule")
        assert "the end of its log" in (error.hint or "")
        assert failing.store.log.settled == [(LOG_QUIET_SECONDS, LOG_LATE_SECONDS)]

    def test_what_is_left_of_it_is_removed(self, failing: Scene) -> None:
        with pytest.raises(OperationFailed):
            failing.publish()

        assert failing.store.removals == [(failing.made, True)]
        assert failing.store.names == []
        assert failing.listener.warnings == []

    def test_without_a_reason_or_log_the_state_is_reported(self, scene: Scene) -> None:
        scene.store.becoming = (FAILED,)

        with pytest.raises(OperationFailed) as caught:
            scene.publish()

        assert caught.value.message.endswith("failed to build: its state is failed")
        assert caught.value.log_tail == ()
        assert "sent no log" in (caught.value.hint or "")

    def test_a_snapshot_that_is_removed_meanwhile_has_failed(self, scene: Scene) -> None:
        scene.store.becoming = (BUILDING, REMOVING)

        with pytest.raises(OperationFailed, match="its state is removing"):
            scene.publish()

    def test_a_removal_that_fails_is_a_warning_only(self, failing: Scene) -> None:
        failing.store.failing_removals = AnyName(NotAuthorised("the key may not delete"))

        with pytest.raises(OperationFailed, match="exit code 7"):
            failing.publish()

        assert failing.listener.warnings == [
            f"snapshot {failing.made} still exists: the key may not delete"
        ]
        assert failing.store.names == [failing.made]

    def test_one_that_is_gone_already_is_not_worth_a_word(self, failing: Scene) -> None:
        failing.store.failing_removals = AnyName(NotFound("there is none"))

        with pytest.raises(OperationFailed):
            failing.publish()

        assert failing.listener.warnings == []

    def test_the_same_can_be_published_again(self, failing: Scene) -> None:
        with pytest.raises(OperationFailed):
            failing.publish()
        failing.store.becoming = (ACTIVE,)

        assert failing.publish().published


class AnyName(dict[str, Os2Error]):
    """One failure for all names, which are not known in advance."""

    def __init__(self, error: Os2Error) -> None:
        super().__init__()
        self.error = error

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Os2Error:
        return self.error


class TestTimeout:
    def test_what_is_still_being_built_is_left_alone(self, scene: Scene) -> None:
        scene.store.becoming = (BUILDING,)
        scene.store.log = MemoryLog(["RUN make"])

        with pytest.raises(TimedOut) as caught:
            scene.publish(wait_seconds=20.5)

        error = caught.value
        assert error.code == "not_active"
        assert error.message == (
            f"timed out after 20.5 s waiting for snapshot {scene.made} to be active "
            "(last state: building)"
        )
        assert f"os2 snapshot wait {scene.made}" in (error.hint or "")
        assert error.log_tail == ("RUN make",)
        assert sum(scene.time.slept) == pytest.approx(20.5, abs=2)
        assert (scene.store.names, scene.store.removals) == ([scene.made], [])

    def test_one_that_is_active_at_the_last_moment_is_not_late(self, scene: Scene) -> None:
        scene.time.events[1] = lambda: setattr(scene.time, "seconds", 1e9)

        assert scene.publish().snapshot.state is ACTIVE


class TestLostSight:
    """A snapshot that cannot be polled may still become active, so it stays."""

    def test_a_store_that_answers_no_more(self, scene: Scene) -> None:
        down = Unreachable("the API does not answer")
        scene.store.becoming = (BUILDING,)
        scene.time.events[2] = lambda: setattr(scene.store, "unreachable", down)

        with pytest.raises(Unreachable) as caught:
            scene.publish()

        assert caught.value is down
        assert "the build continues" in (down.hint or "")
        assert f"os2 snapshot wait {scene.made}" in (down.hint or "")
        assert (scene.store.names, scene.store.removals) == ([scene.made], [])
        assert scene.store.log.cut

    def test_a_removed_snapshot_is_not_found(self, scene: Scene) -> None:
        scene.time.events[1] = lambda: scene.store.forget(scene.made)

        with pytest.raises(NotFound):
            scene.publish()

        assert scene.listener.warnings == []


class TestInterrupt:
    def test_what_is_being_built_is_removed_in_a_hurry(self, scene: Scene) -> None:
        scene.store.becoming = (BUILDING,)
        scene.time.events[3] = interrupt

        with pytest.raises(Interrupted):
            scene.publish()

        assert scene.store.removals == [(scene.made, True)]
        assert scene.store.names == []
        assert scene.listener.notices == [f"removing unfinished snapshot {scene.made}"]
        assert scene.store.log.cut

    def test_a_failed_removal_is_reported(self, scene: Scene) -> None:
        scene.store.becoming = (BUILDING,)
        scene.time.events[1] = interrupt
        scene.store.failing_removals = AnyName(Unreachable("the API does not answer"))

        with pytest.raises(Interrupted):
            scene.publish()

        assert scene.listener.warnings == [
            f"snapshot {scene.made} still exists: the API does not answer"
        ]

    @pytest.mark.parametrize("wait_seconds", [None, 60])
    def test_what_was_just_asked_for_is_removed_too(
        self, wait_seconds: float | None, scene: Scene
    ) -> None:
        heard = Listener(after="create")

        with pytest.raises(Interrupted):
            scene.publish(listener=heard, wait_seconds=wait_seconds)

        assert scene.store.removals == [(scene.made, True)]
        assert (scene.store.names, heard.warnings) == ([], [])

    def test_what_was_not_asked_for_yet_is_not_asked_for(self, scene: Scene) -> None:
        heard = Listener(before="create")

        with pytest.raises(Interrupted):
            scene.publish(listener=heard)

        assert (scene.store.asked_names, scene.store.removals) == ([], [])

    def test_an_unanswered_request_is_reported(
        self, scene: Scene, strike: Callable[[], None]
    ) -> None:
        class Interrupting(MemorySnapshots):
            def create(self, *_: Any) -> Snapshot:
                strike()
                raise Unreachable("no answer in time")

        scene.store = Interrupting()
        heard = Listener()

        with pytest.raises(Interrupted):
            scene.publish(listener=heard)

        (warning,) = heard.warnings
        assert warning.startswith("snapshot stg--")
        assert warning.endswith(" may exist")
        assert scene.store.removals == []

    @pytest.mark.parametrize("title", ["preflight", "read context", "upload context"])
    def test_before_that_there_is_nothing_to_remove(self, title: str, scene: Scene) -> None:
        heard = Listener(after=title)

        with pytest.raises(Interrupted):
            scene.publish(listener=heard)

        assert (scene.store.asked_names, scene.store.removals) == ([], [])
        assert heard.notices == []


class TestTwoAtOnce:
    def test_the_second_waits_and_uses_what_the_first_published(self, tmp_path: Path) -> None:
        first, second = Scene(tmp_path), Scene(tmp_path)
        second.store = first.store
        delivering = threading.Event()

        def deliver() -> None:
            delivering.set()
            assert second.listener.waiting.wait(MEET_SECONDS)

        first.source.on_deliver = deliver
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first.publish)
            assert delivering.wait(MEET_SECONDS)
            other = pool.submit(second.publish)

        assert one.result().published
        assert not other.result().published
        assert other.result().snapshot == one.result().snapshot
        assert second.source.deliveries == 0
        assert second.listener.notices == ["waiting for another os2 to publish stg"]
        assert first.store.names == [one.result().snapshot.name]

    def test_with_other_content_the_second_publishes_its_own_afterwards(
        self, tmp_path: Path
    ) -> None:
        first, second = Scene(tmp_path), Scene(tmp_path)
        second.store, second.source.tree = first.store, "tree-2"
        delivering = threading.Event()

        def deliver() -> None:
            delivering.set()
            assert second.listener.waiting.wait(MEET_SECONDS)
            assert second.source.requests == []

        first.source.on_deliver = deliver
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first.publish)
            assert delivering.wait(MEET_SECONDS)
            other = pool.submit(second.publish)

        assert (one.result().snapshot.key, other.result().snapshot.key) == ("tree-1", "tree-2")
        assert len(set(first.store.names)) == 2

    def test_stages_do_not_wait_for_each_other(self, tmp_path: Path) -> None:
        first, second = Scene(tmp_path), Scene(tmp_path)
        second.store = first.store
        both = threading.Barrier(2)

        def meet() -> None:
            both.wait(MEET_SECONDS)

        first.source.on_deliver = second.source.on_deliver = meet

        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first.publish)
            other = pool.submit(second.publish, stage=Stage("prd", "--stage"))

        assert one.result().published
        assert other.result().published
        assert first.listener.notices == second.listener.notices == []


class TestActivate:
    def test_it_is_asked_for_and_waited_for(self) -> None:
        store = MemorySnapshots(snapshot(0, INACTIVE), becoming=(PENDING, BUILDING, ACTIVE))
        time, listener = Time(), Listener()

        found = activate(
            store, snapshot(0, INACTIVE), wait_seconds=60, progress=listener, clock=time.clock
        )

        assert (found.name, found.state) == (snapshot().name, ACTIVE)
        assert store.activations == [snapshot().name]
        assert time.slept == [0.5, 0.5]
        assert (listener.titles, listener.states) == (["activate"], ["pending", "building"])
        assert listener.notices == [
            f"{snapshot().name} was deactivated because it was unused: activating it"
        ]

    @pytest.mark.parametrize("state", [FAILED, REMOVING])
    def test_one_that_does_not_come_back_is_a_failure_and_stays(self, state: SnapshotState) -> None:
        store = MemorySnapshots(snapshot(0, INACTIVE), becoming=(PENDING, state))

        with pytest.raises(OperationFailed) as caught:
            activate(store, snapshot(0, INACTIVE), wait_seconds=60, clock=Time().clock)

        assert f"its state is {state.value}" in caught.value.message
        assert store.removals == []

    @pytest.mark.parametrize("state", [PENDING, INACTIVE, UNKNOWN])
    def test_waiting_for_it_times_out(self, state: SnapshotState) -> None:
        store = MemorySnapshots(snapshot(0, INACTIVE), becoming=(state,))
        time = Time()

        with pytest.raises(TimedOut) as caught:
            activate(store, snapshot(0, INACTIVE), wait_seconds=7, clock=time.clock)

        assert caught.value.code == "not_active"
        assert sum(time.slept) == pytest.approx(7, abs=0.5)

    def test_a_refusal_is_passed_on(self) -> None:
        store = MemorySnapshots(snapshot(0))

        with pytest.raises(Conflict):
            activate(store, snapshot(0), wait_seconds=60, progress=SILENT, clock=Time().clock)
