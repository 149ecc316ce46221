"""An activation that Daytona refuses for a while says when to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from os2cli.core.errors import Conflict, OperationFailed
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from tests.unit.providers.daytona.answers import SNAPSHOT_NAME, snapshot
from tests.unit.providers.daytona.wires import Wire, ok, refused

ID = snapshot()["id"]
ACTIVATE, LOOK = f"POST /snapshots/{ID}/activate", f"GET /snapshots/{ID}"
INACTIVE = Snapshot(ID, SNAPSHOT_NAME, SnapshotState.INACTIVE, datetime(2026, 1, 11, tzinfo=UTC))


def changed(minutes: float) -> dict[str, object]:
    """Return the snapshot as it is when it changed that long ago."""
    moment = datetime.now(UTC) - timedelta(minutes=minutes)
    return snapshot(state="inactive", updatedAt=moment.isoformat())


@pytest.mark.parametrize(
    ("words", "ago", "minutes"),
    [
        (f"Snapshot {ID} was activated recently. Please try again later", 0, 10),
        (f"Snapshot {ID} was deactivated recently", 3.5, 7),
        (f"Snapshot {ID} was deactivated recently", 9.9, 1),
        (f"Snapshot {ID} was deactivated recently", 60, 10),
        ("Snapshot is in cooldown. Try again in 4 minutes", 3, 4),
        ("Snapshot is in its cool-down period, please wait 90 seconds", 3, 2),
        ("Too soon to activate this snapshot again", 5, 5),
        ("Please wait 10 minutes before activating it", 2, 10),
    ],
)
def test_the_hint_says_in_how_many_minutes(
    words: str, ago: float, minutes: int, snapshots: DaytonaSnapshots, wire: Wire
) -> None:
    wire.on(ACTIVATE, refused(400, words)).on(LOOK, ok(changed(ago)))

    with pytest.raises(Conflict) as caught:
        snapshots.activate(INACTIVE)

    count = "1 minute" if minutes == 1 else f"{minutes} minutes"
    assert f"try again in {count}, at " in (caught.value.hint or "")
    assert (caught.value.hint or "").endswith(f": os2 snapshot activate {SNAPSHOT_NAME}")
    assert caught.value.code == "snapshot_cooling_down"
    assert SNAPSHOT_NAME in caught.value.message


def test_without_the_time_of_the_change_it_is_the_whole_cool_down(
    snapshots: DaytonaSnapshots, wire: Wire
) -> None:
    wire.on(ACTIVATE, refused(400, "was deactivated recently")).on(LOOK, refused(500))

    with pytest.raises(Conflict) as caught:
        snapshots.activate(INACTIVE)

    assert "try again in 10 minutes" in (caught.value.hint or "")


def test_one_that_is_active_already_is_activated(snapshots: DaytonaSnapshots, wire: Wire) -> None:
    """The answer of an earlier request was lost, or another client was faster."""
    wire.on(ACTIVATE, refused(400, f"Snapshot {ID} is already active"))

    snapshots.activate(INACTIVE)


@pytest.mark.parametrize("words", ["cannot be activated - it is in error state", "name is wrong"])
def test_another_refusal_stays_as_it_is(
    words: str, snapshots: DaytonaSnapshots, wire: Wire
) -> None:
    wire.on(ACTIVATE, refused(400, words))

    with pytest.raises(OperationFailed, match=words):
        snapshots.activate(INACTIVE)
