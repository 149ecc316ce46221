"""From a stage to a machine: the cache, the snapshots and the machines agree in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from os2cli.core.defaults import ACTIVATION_SECONDS
from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error, TimedOut, Unreachable
from os2cli.core.models import DAYTONA, Health, Machine, MachineSpec, Snapshot, SnapshotState
from os2cli.core.progress import SILENT, Progress
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import Stage
from os2cli.machines.launch import Launcher
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache
from tests.clock import Time
from tests.contract.memory import MemoryMachines
from tests.contract.memory_snapshots import MemorySnapshots

NOON = datetime(2026, 1, 11, 12, 0, 0, tzinfo=UTC)
STAGE = Stage("stg", "--stage")
ACCOUNT = "0123456789abcdef"
SPEC = MachineSpec(name="m", stage="stg", snapshot="")
OLD, NEW = "stg--20260111-120000", "stg--20260111-120500"


def snapshot(
    minutes: int = 0, state: SnapshotState = SnapshotState.ACTIVE, reason: str | None = None
) -> Snapshot:
    moment = NOON + timedelta(minutes=minutes)
    name = str(SnapshotName("stg", moment))
    return Snapshot(f"id of {name}", name, state, moment, reason)


class Machines(MemoryMachines):
    """Makes machines from what the store holds, and refuses as the real provider does."""

    type = DAYTONA

    def __init__(self, store: MemorySnapshots, *, answers: tuple[Health, ...]) -> None:
        super().__init__(answers=answers)
        self.store = store
        self.asked: list[MachineSpec] = []
        self.refusal: Os2Error | None = None

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        self.asked.append(spec)
        if self.refusal is not None:
            raise self.refusal
        held = [s for s in self.store.all() if spec.snapshot in (s.name, s.id)]
        if not held:
            raise NotFound(f"Snapshot {spec.snapshot} not found", code="snapshot_not_found")
        if held[0].state is not SnapshotState.ACTIVE:
            raise Conflict(f"Snapshot {spec.snapshot} is inactive", code="snapshot_inactive")
        self.images.add(spec.snapshot)
        return super().create(spec, progress)


class Listener(Progress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.on_notice: Callable[[], None] = lambda: None

    def notice(self, message: str) -> None:
        self.notices.append(message)
        self.on_notice()


class Scene:
    """A launcher, and everything around it that it may ask or change."""

    def __init__(self, folder: Path, *snapshots: Snapshot) -> None:
        self.store = MemorySnapshots(*snapshots)
        self.machines = Machines(self.store, answers=(Health.HEALTHY,))
        self.cache = SnapshotCache(folder / "cache", 300)
        self.time = Time()
        self.listener = Listener()
        self.use_cache = True

    def know(self, *minutes: int) -> None:
        """Let the cache know a snapshot, which may be gone by now."""
        for minute in minutes:
            known = snapshot(minute)
            self.cache.put(ACCOUNT, "stg--", CachedSnapshot(known.name, known.id))

    @property
    def known(self) -> str | None:
        """What the cache knows now."""
        entry = self.cache.get(ACCOUNT, "stg--")
        return entry.name if entry else None

    def create(
        self, spec: MachineSpec = SPEC, *, wait_seconds: float | None = 60, stage: Stage = STAGE
    ) -> Machine:
        launcher = Launcher(
            self.machines,
            self.store,
            self.cache,
            ACCOUNT,
            use_cache=self.use_cache,
            clock=self.time.clock,
        )
        (machine,) = launcher.create(
            [spec], stage, wait_seconds=wait_seconds, progress=self.listener
        )
        return machine

    @property
    def asked(self) -> list[str]:
        return [spec.snapshot for spec in self.machines.asked]


class TestNewest:
    def test_a_machine_is_made_from_the_newest_and_waited_for(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0))

        machine = scene.create()

        assert (machine.name, machine.snapshot, machine.health) == ("m", NEW, Health.HEALTHY)
        assert (scene.asked, scene.listener.notices) == ([NEW], [])
        assert scene.known == NEW

    def test_everything_else_of_the_specification_is_passed_on(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        spec = MachineSpec("x", "stg", "", env={"A": "1"}, owner="jonas", public=True)

        scene.create(spec)

        asked = scene.machines.asked[0]
        assert asked == MachineSpec("x", "stg", NEW, env={"A": "1"}, owner="jonas", public=True)

    def test_what_the_cache_knows_is_used_without_asking(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0))
        scene.know(0)

        assert scene.create().snapshot == OLD
        assert scene.store.listings == 0

    def test_who_wants_no_cache_gets_the_newest(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0))
        scene.know(0)
        scene.use_cache = False

        assert scene.create().snapshot == NEW
        assert scene.known == NEW

    def test_without_a_wait_it_may_still_be_starting(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.machines.answers = [Health.STARTING]

        assert scene.create(wait_seconds=None).health is Health.STARTING

    @pytest.mark.parametrize(
        ("newer", "said"),
        [
            (snapshot(9, SnapshotState.BUILDING), "is newer but not used: building"),
            (snapshot(9, SnapshotState.PENDING), "is newer but not used: building"),
            (snapshot(9, SnapshotState.INACTIVE), "is newer but not used: inactive"),
            (snapshot(9, SnapshotState.FAILED), "is newer but not used: failed"),
            (
                snapshot(9, SnapshotState.FAILED, "no space"),
                "is newer but not used: failed (no space)",
            ),
            (snapshot(9, SnapshotState.BUILDING, "odd"), "is newer but not used: building"),
        ],
        ids=lambda value: value if isinstance(value, str) else value.state.value,
    )
    def test_a_newer_one_that_is_not_used_is_reported(
        self, newer: Snapshot, said: str, tmp_path: Path
    ) -> None:
        scene = Scene(tmp_path, newer, snapshot(5))

        assert scene.create().snapshot == NEW
        assert scene.listener.notices == [f"{newer.name} {said}"]

    def test_an_older_one_is_not_worth_a_word(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0, SnapshotState.FAILED))

        scene.create()

        assert scene.listener.notices == []


class TestStale:
    def test_a_removed_one_is_forgotten_and_the_newest_taken(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.know(0)

        machine = scene.create()

        assert (machine.snapshot, scene.asked) == (NEW, [OLD, NEW])
        assert (scene.known, scene.store.listings) == (NEW, 1)
        assert scene.listener.notices == [
            f"{OLD} is no longer usable: looking for the newest again"
        ]

    def test_one_that_was_deactivated_is_forgotten_and_the_newest_taken(
        self, tmp_path: Path
    ) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0, SnapshotState.INACTIVE))
        scene.know(0)

        assert scene.create().snapshot == NEW
        assert scene.store.activations == []

    def test_one_that_was_deactivated_and_has_no_successor_is_activated(
        self, tmp_path: Path
    ) -> None:
        scene = Scene(tmp_path, snapshot(5, SnapshotState.INACTIVE))
        scene.know(5)

        assert scene.create().snapshot == NEW
        assert scene.store.activations == [NEW]
        assert scene.asked == [NEW, NEW]

    def test_it_is_tried_again_once_only(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.know(0)
        scene.machines.refusal = NotFound("Snapshot not found", code="snapshot_not_found")

        with pytest.raises(NotFound) as caught:
            scene.create()

        assert caught.value is scene.machines.refusal
        assert (scene.asked, scene.store.listings) == ([OLD, NEW], 1)

    def test_one_that_vanished_just_now_is_looked_for_again_too(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.machines.refusal = Conflict("Snapshot is inactive", code="snapshot_inactive")

        with pytest.raises(Conflict):
            scene.create()

        assert (scene.asked, scene.store.listings) == ([NEW, NEW], 2)

    def test_when_nothing_is_left_that_is_said_and_nothing_is_known(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)
        scene.know(0)

        with pytest.raises(NotFound, match="stage stg has no active snapshot"):
            scene.create()

        assert (scene.known, scene.asked) == (None, [OLD])

    def test_it_is_forgotten_also_when_no_other_can_be_looked_for(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.know(0)
        scene.store.unreachable = Unreachable("the API does not answer")

        with pytest.raises(Unreachable):
            scene.create()

        assert (scene.asked, scene.known) == ([OLD], None)

    def test_one_that_another_user_keeps_again_meanwhile_is_not_taken_again(
        self, tmp_path: Path
    ) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.know(0)
        # In the moment between forgetting it and looking for the newest.
        scene.listener.on_notice = lambda: scene.know(0)

        assert scene.create().snapshot == NEW
        assert scene.asked == [OLD, NEW]

    def test_another_failure_is_not_blamed_on_the_cache(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0))
        scene.know(0)
        scene.machines.refusal = OperationFailed("CPU limit exceeded", code="quota_exceeded")

        with pytest.raises(OperationFailed):
            scene.create()

        assert (scene.asked, scene.known) == ([OLD], OLD)


class TestInactive:
    def test_the_newest_is_activated_when_nothing_is_active(self, tmp_path: Path) -> None:
        scene = Scene(
            tmp_path,
            snapshot(9, SnapshotState.FAILED),
            snapshot(5, SnapshotState.INACTIVE),
            snapshot(0, SnapshotState.INACTIVE),
        )
        scene.store.becoming = (SnapshotState.PENDING, SnapshotState.BUILDING, SnapshotState.ACTIVE)

        assert scene.create().snapshot == NEW
        assert (scene.store.activations, len(scene.time.slept)) == ([NEW], 2)
        assert scene.listener.notices == [
            f"{NEW} was deactivated because it was unused: activating it"
        ]

    def test_what_was_activated_and_can_not_be_used_all_the_same_is_named(
        self, tmp_path: Path
    ) -> None:
        scene = Scene(tmp_path, snapshot(5, SnapshotState.INACTIVE))
        scene.machines.refusal = NotFound("Snapshot not found", code="snapshot_not_found")

        with pytest.raises(NotFound):
            scene.create()

        assert scene.listener.notices[-1] == (
            f"{NEW} is no longer usable: looking for the newest again"
        )

    def test_an_activation_that_fails_is_reported(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5, SnapshotState.INACTIVE))
        scene.store.becoming, scene.store.failure_reason = (SnapshotState.FAILED,), "no runner"

        with pytest.raises(OperationFailed, match="no runner"):
            scene.create()

        assert scene.asked == []

    def test_an_activation_is_not_waited_for_forever(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5, SnapshotState.INACTIVE))
        scene.store.becoming = (SnapshotState.PENDING,)

        with pytest.raises(TimedOut):
            scene.create()

        assert sum(scene.time.slept) == pytest.approx(ACTIVATION_SECONDS, abs=1)
        assert scene.asked == []


class TestNothing:
    def test_a_stage_without_snapshots_says_how_to_get_one(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path)

        with pytest.raises(NotFound) as caught:
            scene.create()

        assert caught.value.message == "stage stg has no active snapshot"
        assert caught.value.hint == "publish one: os2 snapshot daytona --stage stg"
        assert (scene.asked, scene.store.listings, scene.listener.notices) == ([], 1, [])

    def test_one_that_is_being_built_is_named(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5, SnapshotState.BUILDING))

        with pytest.raises(NotFound, match=f"{NEW} is being built"):
            scene.create()

        assert scene.store.listings == 1

    def test_an_api_that_does_not_answer_is_not_a_reason_to_ask_again(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.store.unreachable = Unreachable("the API does not answer")

        with pytest.raises(Unreachable):
            scene.create()

        assert (scene.asked, scene.known) == ([], None)


class TestNamed:
    SPEC = MachineSpec(name="m", stage="stg", snapshot=OLD)

    def test_a_snapshot_that_was_named_is_used_and_nothing_looked_for(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0))
        scene.know(5)

        assert scene.create(self.SPEC).snapshot == OLD
        assert (scene.store.listings, scene.known) == (0, NEW)

    def test_one_that_was_deactivated_is_activated_first(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5), snapshot(0, SnapshotState.INACTIVE))

        assert scene.create(self.SPEC).snapshot == OLD
        assert (scene.store.activations, scene.asked) == ([OLD], [OLD, OLD])

    def test_one_that_does_not_exist_is_not_replaced_by_another(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.know(5)

        with pytest.raises(NotFound) as caught:
            scene.create(self.SPEC)

        assert caught.value.code == "snapshot_not_found"
        assert (scene.asked, scene.store.listings, scene.known) == ([OLD], 0, NEW)

    def test_one_that_stays_inactive_is_tried_again_once_only(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(0, SnapshotState.INACTIVE))
        scene.machines.refusal = Conflict("Snapshot is inactive", code="snapshot_inactive")

        with pytest.raises(Conflict):
            scene.create(self.SPEC)

        assert (scene.asked, scene.store.activations) == ([OLD, OLD], [OLD])


class TestNothingIsLeftBehind:
    @pytest.mark.parametrize("named", [False, True])
    def test_of_a_machine_that_does_not_become_healthy(self, named: bool, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(0))
        scene.machines.answers = [Health.STARTING]

        with pytest.raises(TimedOut):
            scene.create(TestNamed.SPEC if named else SPEC, wait_seconds=2)

        assert scene.machines.list() == []
        assert len(scene.asked) == 1

    def test_of_the_attempt_with_a_stale_snapshot(self, tmp_path: Path) -> None:
        scene = Scene(tmp_path, snapshot(5))
        scene.know(0)

        machine = scene.create()

        assert [m.id for m in scene.machines.list()] == [machine.id]
