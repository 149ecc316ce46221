"""Snapshots over the wire: what is asked for, page by page, and what becomes of lost answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotFound, OperationFailed, Os2Error
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.providers.daytona.api.retry import DEFAULT, FAST
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from tests.unit.providers.daytona.answers import (
    SNAPSHOT_NAME,
    snapshot,
)
from tests.unit.providers.daytona.wires import Wire, ok, refused

ID = snapshot()["id"]
NAME = SNAPSHOT_NAME
BY_NAME = f"/snapshots/{NAME}"


def page(*ids: str, pages: int = 1) -> httpx.Response:
    items = [snapshot(id=each) for each in ids]
    return ok({"items": items, "total": 999, "page": 1, "totalPages": pages})


def ids(pages: Iterator[list[Snapshot]]) -> list[list[str]]:
    return [[each.id for each in found] for found in pages]


def queries(wire: Wire) -> list[dict[str, str]]:
    return [dict(request.url.params) for request in wire.requests]


class TestPages:
    def test_the_first_is_small_and_newest_first(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", page("1", "2"))

        assert ids(snapshots.newest_first("dev-jonas--")) == [["1", "2"]]
        assert queries(wire) == [
            {
                "name": "dev-jonas--",
                "sort": "createdAt",
                "order": "desc",
                "page": "1",
                "limit": "20",
            }
        ]

    def test_the_others_are_full_and_restart(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on("GET /snapshots", page("1", pages=3), page("1", "2", pages=2), page("3", pages=2))

        assert ids(snapshots.newest_first("")) == [["1"], ["1", "2"], ["3"]]
        asked = [(query["page"], query["limit"]) for query in queries(wire)]
        assert asked == [("1", "20"), ("1", "200"), ("2", "200")]

    def test_they_are_asked_for_when_they_are_needed(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", page("1", pages=9))

        assert [each.id for each in next(snapshots.newest_first(""))] == ["1"]

    def test_that_vanish_meanwhile_end_the_list(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", page("1", pages=2), page("1", pages=99), page(pages=99))

        assert ids(snapshots.newest_first("")) == [["1"], ["1"]]

    def test_without_anything_are_one(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on("GET /snapshots", page(pages=0))

        assert ids(snapshots.newest_first("x")) == [[]]

    def test_items_that_can_not_be_read_are_left_out(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        items = [None, {"id": "1"}, snapshot(id="2"), snapshot(state=None), snapshot(id="3")]
        wire.on("GET /snapshots", ok({"items": items, "total": 5, "totalPages": 1}))

        assert ids(snapshots.newest_first("")) == [["2", "3"]]

    @pytest.mark.parametrize("answer", [[], {}, {"items": None}, {"items": {}}])
    def test_of_another_form_are_invalid_answers(
        self, answer: Any, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", ok(answer))

        with pytest.raises(OperationFailed, match="listing snapshots failed") as caught:
            ids(snapshots.newest_first(""))
        assert caught.value.code == "answer_invalid"


class TestOrder:
    """Older documents, and servers, call the order by another name."""

    def test_the_older_name_is_tried_once_and_remembered(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", refused(400, ["sort must be one of …"]), page("1"), page("2"))

        assert ids(snapshots.newest_first("")) == [["1"]]
        assert ids(snapshots.newest_first("")) == [["2"]]
        sorts = [query["sort"] for query in queries(wire)]
        assert sorts == ["createdAt", "createdTime", "createdTime"]

    def test_another_error_keeps_its_message_and_the_order(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", refused(400, "name is too long"), refused(400, "bad sort"))
        wire.on("GET /snapshots", page("1"))

        with pytest.raises(OperationFailed, match="name is too long"):
            ids(snapshots.newest_first("x" * 999))

        assert ids(snapshots.newest_first("")) == [["1"]]
        assert queries(wire)[-1]["sort"] == "createdAt"

    @pytest.mark.parametrize("status", [401, 403, 404, 500])
    def test_nothing_else_is_a_question_of_order(
        self, status: int, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("GET /snapshots", refused(status))

        with pytest.raises(Os2Error):
            ids(snapshots.newest_first(""))


class TestOne:
    @pytest.mark.parametrize(
        ("name", "path"),
        [
            (NAME, NAME),
            ("team/base:1.0", "team%2Fbase%3A1.0"),
            ("a@sha256:ab", "a%40sha256%3Aab"),
            ("50% off?#x", "50%25%20off%3F%23x"),
        ],
    )
    def test_is_asked_for_by_its_encoded_name(
        self, name: str, path: str, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on(f"GET /snapshots/{path}", ok(snapshot(name=name)))

        assert snapshots.get(name).name == name

    def test_that_is_missing_is_not_found(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on(f"GET {BY_NAME}", refused(404, f"Snapshot {NAME} not found"))

        with pytest.raises(NotFound, match=f"looking at snapshot {NAME} failed"):
            snapshots.get(NAME)

    def test_is_activated_and_removed_by_its_id(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on(f"GET {BY_NAME}", ok(snapshot(state="inactive")))
        wire.on(f"POST /snapshots/{ID}/activate", ok(snapshot(state="pulling")))
        wire.on(f"DELETE /snapshots/{ID}", httpx.Response(200))

        found = snapshots.get(NAME)
        snapshots.activate(found)
        snapshots.remove(found)

        assert found.state is SnapshotState.INACTIVE

    @pytest.mark.parametrize(("hurried", "policy"), [(False, DEFAULT), (True, FAST)])
    def test_is_removed_with_the_fast_policy_if_hurried(
        self, hurried: bool, policy: Any, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on(f"GET {BY_NAME}", ok(snapshot()))
        wire.on(f"DELETE /snapshots/{ID}", httpx.Response(204))

        snapshots.remove(snapshots.get(NAME), hurried=hurried)

        assert wire.last.extensions["timeout"]["read"] == policy.answer_seconds

    @pytest.mark.parametrize(
        ("verb", "line", "needs"),
        [
            ("activate", f"POST /snapshots/{ID}/activate", "write:snapshots"),
            ("remove", f"DELETE /snapshots/{ID}", "delete:snapshots"),
        ],
    )
    def test_says_which_permission_is_missing(
        self, verb: str, line: str, needs: str, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on(f"GET {BY_NAME}", ok(snapshot()))
        wire.on(line, refused(403, "Forbidden"))

        with pytest.raises(Os2Error) as caught:
            getattr(snapshots, verb)(snapshots.get(NAME))
        assert caught.value.details == {"permission": needs}
