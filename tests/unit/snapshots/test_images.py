"""Whether an image is built, used or doubted, against a builder in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import Progress
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.images import Freshness, ensure_image, image_status
from tests.contract.memory import MemoryBuilder

TAG = "iterate-sandbox:local"
REQUEST = BuildRequest(root=Path("/repo"), dockerfile=Path("/repo/Dockerfile"), tag=TAG)


class Listener(Progress):
    """Keeps notices and warnings."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, message: str) -> None:
        self.said.append(f"notice: {message}")

    def warn(self, message: str) -> None:
        self.said.append(f"warning: {message}")


class TestStatus:
    def test_no_image_is_missing(self) -> None:
        found = image_status(MemoryBuilder(), REQUEST)

        assert (found.freshness, found.image) == (Freshness.MISSING, None)

    @pytest.mark.parametrize(
        ("key", "expected"),
        [
            ("tree-1", Freshness.FRESH),
            ("tree-0", Freshness.STALE),
            (None, Freshness.FOREIGN),
        ],
        ids=["same key", "other key", "not made by os2"],
    )
    def test_an_image_is_judged_by_its_key(self, key: str | None, expected: Freshness) -> None:
        builder = MemoryBuilder(tree="tree-1")
        image = builder.add_image(TAG, key)

        found = image_status(builder, REQUEST)

        assert (found.freshness, found.image, found.reason) == (expected, image, None)

    def test_an_image_of_another_name_does_not_count(self) -> None:
        builder = MemoryBuilder()
        builder.add_image("another:local", "tree-1")

        assert image_status(builder, REQUEST).freshness is Freshness.MISSING

    def test_a_tree_that_cannot_be_read_leaves_it_open(self) -> None:
        builder = MemoryBuilder()
        image = builder.add_image(TAG, "tree-1")
        builder.unreadable = OperationFailed("git is broken")

        found = image_status(builder, REQUEST)

        assert (found.freshness, found.image) == (Freshness.UNKNOWN, image)
        assert found.reason == "git is broken"


class TestEnsure:
    def test_a_missing_image_is_built_and_that_is_said(self) -> None:
        builder, listener = MemoryBuilder(), Listener()

        result = ensure_image(builder, REQUEST, progress=listener)

        assert result.built
        assert result.image == builder.find(TAG)
        assert listener.said == [f"notice: image {TAG} not found, building it"]

    @pytest.mark.parametrize("key", ["tree-1", None], ids=["fresh", "not made by os2"])
    def test_a_present_image_is_used_without_a_message(self, key: str | None) -> None:
        builder, listener = MemoryBuilder(), Listener()
        image = builder.add_image(TAG, key)

        result = ensure_image(builder, REQUEST, progress=listener)

        assert (result.image, result.built, result.seconds) == (image, False, 0.0)
        assert (listener.said, builder.builds) == ([], 0)

    def test_a_stale_image_is_used_with_a_warning(self) -> None:
        builder, listener = MemoryBuilder(), Listener()
        image = builder.add_image(TAG, "tree-0")

        result = ensure_image(builder, REQUEST, progress=listener)

        assert (result.image, builder.builds) == (image, 0)
        assert listener.said == [f"warning: image {TAG} is out of date; rebuild it with --build"]

    def test_an_image_that_cannot_be_judged_is_used_with_the_reason(self) -> None:
        builder, listener = MemoryBuilder(), Listener()
        image = builder.add_image(TAG, "tree-1")
        builder.unreadable = OperationFailed("git is broken")

        result = ensure_image(builder, REQUEST, progress=listener)

        assert result.image == image
        assert listener.said == [
            f"warning: cannot tell whether image {TAG} is up to date: git is broken"
        ]

    @pytest.mark.parametrize(
        ("key", "built"),
        [("tree-0", True), (None, True), ("tree-1", False)],
        ids=["stale", "not made by os2", "fresh"],
    )
    def test_a_rebuild_builds_what_changed_and_nothing_else(
        self, key: str | None, built: bool
    ) -> None:
        builder, listener = MemoryBuilder(), Listener()
        builder.add_image(TAG, key)

        result = ensure_image(builder, REQUEST, rebuild=True, progress=listener)

        assert result.built is built
        assert result.image.key == "tree-1"
        assert listener.said == []

    def test_a_rebuild_of_a_tree_that_cannot_be_read_fails(self) -> None:
        builder = MemoryBuilder()
        builder.add_image(TAG, "tree-0")
        builder.unreadable = OperationFailed("git is broken")

        with pytest.raises(OperationFailed, match="git is broken"):
            ensure_image(builder, REQUEST, rebuild=True)
