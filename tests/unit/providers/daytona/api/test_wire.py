"""Answers as they come: what is read, what may be missing or strange, and what errors show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.models import SnapshotResources, SnapshotState
from os2cli.providers.daytona.api.wire import (
    Answer,
    ConfigAnswer,
    KeyAnswer,
    PageAnswer,
    RegistryAccess,
    SandboxAnswer,
    SandboxListAnswer,
    SnapshotAnswer,
    StorageAccess,
    UrlAnswer,
    read,
    read_each,
)
from os2cli.providers.daytona.machines.sandboxes import machine_from
from tests.unit.providers.daytona.answers import KEY_A, KEY_B, SNAPSHOT_NAME, sandbox, snapshot

DOING = "trying it"
CREATED = datetime(2026, 1, 11, 19, 30, 45, 123000, tzinfo=UTC)
STORAGE = {
    "accessKey": "AKIAHUSH",
    "secret": "hush-secret",
    "sessionToken": "hush-token",
    "storageUrl": "https://s3.example",
    "organizationId": "org-1",
    "bucket": "builds",
}
REGISTRY = {
    "username": "robot",
    "secret": "hush-secret",
    "registryUrl": "https://cr.example",
    "registryId": "1",
    "project": "transient",
    "expiresAt": "2026-01-11T20:30:45Z",
}


def without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("unprocessable entity: exit code: 7", "exit code: 7"),
        ("Internal server error: no space left", "no space left"),
        ("bad request: not found: x", "not found: x"),
        ("exit code: 7", "exit code: 7"),
        ("no unprocessable entity: x", "no unprocessable entity: x"),
        ("", None),
        (None, None),
    ],
)
def test_a_reason_is_read_without_the_status_before_it(
    said: str | None, reason: str | None
) -> None:
    built = read(SnapshotAnswer, snapshot(state="error", errorReason=said), DOING)
    started = read(SandboxAnswer, sandbox(state="error", errorReason=said), DOING)

    assert built.snapshot().reason == reason
    assert (started.reason or None) == reason


class TestSnapshot:
    def test_everything_is_read(self) -> None:
        found = read(SnapshotAnswer, snapshot(), DOING).snapshot()

        assert (found.name, found.state, found.created) == (
            SNAPSHOT_NAME,
            SnapshotState.ACTIVE,
            CREATED,
        )
        assert found.size_bytes == 1_610_612_736
        assert found.resources == SnapshotResources(cpu=4, memory_gib=8, disk_gib=10)
        assert (found.key, found.general, found.reason) == (KEY_A, False, None)

    def test_what_a_create_answers_names_memory_otherwise(self) -> None:
        answer = {**without(snapshot(), "mem"), "memory": 16}

        resources = read(SnapshotAnswer, answer, DOING).snapshot().resources

        assert resources == SnapshotResources(cpu=4, memory_gib=16, disk_gib=10)

    def test_only_three_fields_are_required(self) -> None:
        found = read(SnapshotAnswer, {"id": "1", "name": "x", "state": "active"}, DOING).snapshot()

        assert found.created == datetime(1970, 1, 1, tzinfo=UTC)
        assert (found.key, found.resources, found.size_bytes, found.reason) == (None,) * 4

    @pytest.mark.parametrize("name", ["id", "name", "state"])
    @pytest.mark.parametrize("null", [False, True])
    def test_without_one_of_them_it_is_none(self, name: str, null: bool) -> None:
        answer = snapshot(**{name: None}) if null else without(snapshot(), name)

        with pytest.raises(OperationFailed, match=rf"from Daytona \({name}: ") as caught:
            read(SnapshotAnswer, answer, DOING)

        assert (caught.value.exit_code, caught.value.code) == (1, "answer_invalid")
        assert caught.value.message.startswith(f"{DOING} failed: invalid answer")

    @pytest.mark.parametrize(
        "name", ["size", "cpu", "mem", "disk", "errorReason", "createdAt", "buildInfo", "imageName"]
    )
    def test_every_other_field_may_be_null(self, name: str) -> None:
        assert read(SnapshotAnswer, snapshot(**{name: None}), DOING).snapshot().id

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            ("pending", SnapshotState.PENDING),
            ("building", SnapshotState.BUILDING),
            ("pulling", SnapshotState.BUILDING),
            ("snapshotting", SnapshotState.BUILDING),
            ("active", SnapshotState.ACTIVE),
            ("inactive", SnapshotState.INACTIVE),
            ("removing", SnapshotState.REMOVING),
            ("error", SnapshotState.FAILED),
            ("build_failed", SnapshotState.FAILED),
            ("ACTIVE", SnapshotState.UNKNOWN),
            ("dreaming", SnapshotState.UNKNOWN),
            ("", SnapshotState.UNKNOWN),
        ],
    )
    def test_states_are_known_or_unknown(self, state: str, expected: SnapshotState) -> None:
        answer = snapshot(state=state, errorReason="why")

        found = read(SnapshotAnswer, answer, DOING).snapshot()

        assert (found.state, found.reason) == (expected, "why")

    @pytest.mark.parametrize("size", ["NaN", float("nan"), float("inf"), "1e999"])
    def test_an_invalid_size_is_none(self, size: object) -> None:
        with pytest.raises(OperationFailed, match="size: "):
            read(SnapshotAnswer, snapshot(size=size), DOING).snapshot()


class TestKey:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            (f"FROM x\n# os2-key: {KEY_A}\n", KEY_A),
            (f"FROM x\n# os2-key: {KEY_A}", KEY_A),
            (f"# os2-key: {KEY_A}\nFROM x\n# os2-key: {KEY_B}\n", KEY_B),
            (f"FROM x\nRUN echo '# os2-key: {KEY_A}'\n", None),
            (f"FROM x\n # os2-key: {KEY_A}\n", None),
            (f"FROM x\n# os2-key: {KEY_A} and more\n", None),
            (f"FROM x\n# os2-key: {KEY_A[:-1]}\n", None),
            (f"FROM x\n# os2-key: {KEY_A.upper()}\n", None),
            ("FROM x\n", None),
            ("", None),
        ],
    )
    def test_is_the_last_comment_of_the_dockerfile(self, text: str, key: str | None) -> None:
        answer = snapshot(buildInfo={"dockerfileContent": text})
        assert read(SnapshotAnswer, answer, DOING).snapshot().key == key

    @pytest.mark.parametrize(
        ("image", "key"),
        [
            (f"cr.example:5000/transient/os2-1f:20260111-193045-key-{KEY_A}", KEY_A),
            (f"cr.example/transient/os2-1f:20260111-193045-key-{KEY_A}@sha256:{KEY_B}", None),
            (f"cr.example/transient/key-{KEY_A}", None),
            (f"cr.example/transient/os2:{KEY_A}", None),
            ("python:3.12", None),
            ("", None),
        ],
    )
    @pytest.mark.parametrize("info", [None, {}, {"dockerfileContent": None}])
    def test_is_in_the_tag_of_an_image_that_was_pushed(
        self, image: str, key: str | None, info: object
    ) -> None:
        answer = snapshot(buildInfo=info, imageName=image)
        assert read(SnapshotAnswer, answer, DOING).snapshot().key == key

    def test_of_a_dockerfile_goes_before_that_of_a_tag(self) -> None:
        answer = snapshot(imageName=f"cr.example/p/os2:1-key-{KEY_B}")
        assert read(SnapshotAnswer, answer, DOING).snapshot().key == KEY_A


class TestTimes:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-01-11T19:30:45.123Z",
            "2026-01-11T19:30:45.123+00:00",
            "2026-01-11T20:30:45.123+01:00",
            "2026-01-11T14:00:45.123-05:30",
            "2026-01-11T19:30:45.123",
            "2026-01-11 19:30:45.123",
        ],
    )
    @pytest.mark.usefixtures("far_away")
    def test_are_utc_with_and_without_a_zone(self, text: str) -> None:
        found = read(SnapshotAnswer, snapshot(createdAt=text), DOING).snapshot()
        machine = machine_from(read(SandboxAnswer, sandbox(createdAt=text), DOING))

        assert (found.created, found.created.tzinfo) == (CREATED, UTC)
        assert machine.created.replace(microsecond=0) == CREATED.replace(microsecond=0)
        assert machine.created.tzinfo == UTC

    @pytest.mark.parametrize(
        "text", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00", {}]
    )
    def test_of_another_form_are_refused(self, text: object) -> None:
        with pytest.raises(OperationFailed, match="createdAt: "):
            read(SnapshotAnswer, snapshot(createdAt=text), DOING)


class TestSecrets:
    @pytest.mark.parametrize(
        ("kind", "answer", "missing"),
        [
            (StorageAccess, STORAGE, "bucket"),
            (StorageAccess, STORAGE, "storageUrl"),
            (RegistryAccess, REGISTRY, "project"),
            (UrlAnswer, {"url": "https://x", "token": "hush"}, "url"),
        ],
    )
    def test_are_not_shown_because_something_else_is_missing(
        self, kind: type[Answer], answer: dict[str, Any], missing: str
    ) -> None:
        with pytest.raises(OperationFailed, match=missing) as caught:
            read(kind, without(answer, missing), DOING)

        assert "hush" not in f"{caught.value.message}{caught.value.hint}".lower()
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    @pytest.mark.parametrize(
        ("kind", "answer", "name"),
        [
            (StorageAccess, STORAGE, "secret"),
            (RegistryAccess, REGISTRY, "secret"),
            (RegistryAccess, REGISTRY, "username"),
            (UrlAnswer, {"url": "https://x"}, "token"),
            (SandboxAnswer, sandbox(), "labels"),
        ],
    )
    def test_of_the_wrong_kind_are_not_shown_either(
        self, kind: type[Answer], answer: dict[str, Any], name: str
    ) -> None:
        with pytest.raises(OperationFailed, match=name) as caught:
            read(kind, {**answer, name: [{"value": "hush"}]}, DOING)

        assert "hush" not in caught.value.message

    @pytest.mark.parametrize(
        ("kind", "answer"),
        [
            (StorageAccess, STORAGE),
            (RegistryAccess, REGISTRY),
            (UrlAnswer, {"url": "https://x", "token": "hush"}),
        ],
    )
    def test_are_in_no_representation(self, kind: type[Answer], answer: dict[str, Any]) -> None:
        found = read(kind, answer, DOING)

        assert "hush" not in f"{found!r}{found}".lower()
        assert "robot" not in repr(found)


class TestOthers:
    @pytest.mark.parametrize(
        "kind",
        [SnapshotAnswer, PageAnswer, SandboxAnswer, SandboxListAnswer, KeyAnswer, ConfigAnswer],
    )
    @pytest.mark.parametrize("data", [None, [], "text", 7, {}])
    def test_other_data_is_an_invalid_answer(self, kind: type[Answer], data: object) -> None:
        with pytest.raises(OperationFailed, match="invalid answer from Daytona"):
            read(kind, data, DOING)

    def test_of_a_list_the_unreadable_are_left_out_and_counted(self) -> None:
        items = [snapshot(id="1"), None, {"id": "2"}, snapshot(state=7), snapshot(id="3")]

        answers, unreadable = read_each(SnapshotAnswer, items, DOING)

        assert ([answer.id for answer in answers], unreadable) == (["1", "3"], 3)

    @pytest.mark.parametrize("items", [[None], [[], {}], [{"id": 7}]])
    @pytest.mark.parametrize("kind", [SnapshotAnswer, SandboxAnswer])
    def test_a_list_of_unreadable_ones_is_an_invalid_answer(
        self, kind: type[Answer], items: list[object]
    ) -> None:
        with pytest.raises(OperationFailed, match="invalid answer from Daytona"):
            read_each(kind, items, DOING)

    def test_a_page_without_counts_is_the_last(self) -> None:
        page = read(PageAnswer, {"items": []}, DOING)
        assert (page.total, page.total_pages) == (0, 1)

    def test_a_sandbox_needs_an_id_alone(self) -> None:
        found = read(SandboxAnswer, {"id": "1"}, DOING)
        assert (found.name, found.state, found.labels) == ("", "unknown", {})

    @pytest.mark.parametrize(
        ("answer", "maintenance"),
        [({"version": "1"}, False), ({"version": "1", "maintananceMode": True}, True)],
    )
    def test_the_apis_own_spelling_is_read(self, answer: dict[str, Any], maintenance: bool) -> None:
        assert read(ConfigAnswer, answer, DOING).maintenance is maintenance
