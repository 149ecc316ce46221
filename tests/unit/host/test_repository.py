"""Which repository and which Dockerfile a command works on."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.core.errors import UsageError
from os2cli.host.repository import Source, bundled_source, find_repository, locate_source

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without a Dockerfile."""
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is in no checkout."""
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def dockerfile(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("FROM scratch\n")
    return path


class TestFind:
    def test_the_checkout_around_a_folder_is_found(self, checkout: Path) -> None:
        below = checkout / "a/b"
        below.mkdir(parents=True)

        assert find_repository(below) == checkout
        assert find_repository(checkout) == checkout

    def test_the_nearest_of_several_counts(self, checkout: Path) -> None:
        inner = checkout / "inner"
        (inner / ".git").mkdir(parents=True)

        assert find_repository(inner) == inner

    def test_a_worktree_whose_git_is_a_file_is_found(self, outside: Path) -> None:
        (outside / ".git").write_text("gitdir: elsewhere\n")

        assert find_repository(outside) == outside

    def test_there_is_none_outside(self, outside: Path) -> None:
        assert find_repository(outside) is None

    def test_a_link_to_a_folder_counts_as_that_folder(self, checkout: Path, outside: Path) -> None:
        (outside / "link").symlink_to(checkout)

        assert find_repository(outside / "link") == checkout


class TestWithoutOptions:
    @pytest.mark.parametrize("place", ["sandbox/Dockerfile", "apps/os2/sandbox/Dockerfile"])
    def test_the_checkouts_own_dockerfile_is_taken(self, place: str, checkout: Path) -> None:
        below = checkout / "deep/down"
        below.mkdir(parents=True)
        expected = dockerfile(checkout / place)

        assert locate_source(below, None, None) == Source(checkout, expected)

    def test_the_first_of_both_places_counts(self, checkout: Path) -> None:
        dockerfile(checkout / "apps/os2/sandbox/Dockerfile")
        expected = dockerfile(checkout / "sandbox/Dockerfile")

        assert locate_source(checkout, None, None).dockerfile == expected

    def test_outside_of_a_checkout_the_folder_itself_is_looked_at(self, outside: Path) -> None:
        expected = dockerfile(outside / "sandbox/Dockerfile")

        assert locate_source(outside, None, None) == Source(outside, expected)

    def test_a_folder_of_that_name_is_not_a_dockerfile(self, checkout: Path) -> None:
        (checkout / "sandbox/Dockerfile").mkdir(parents=True)

        assert locate_source(checkout, None, None).bundled

    def test_where_there_is_none_the_sandbox_of_os2_is_taken(
        self, checkout: Path, outside: Path
    ) -> None:
        expected = Source(PROJECT, PROJECT / "sandbox/Dockerfile", bundled=True)

        assert locate_source(checkout, None, None) == expected
        assert locate_source(outside, None, None) == expected
        assert bundled_source() == expected


class TestRepo:
    def test_a_named_folder_is_the_root_whether_or_not_it_is_a_checkout(
        self, checkout: Path, outside: Path
    ) -> None:
        dockerfile(checkout / "sandbox/Dockerfile")
        expected = dockerfile(outside / "sandbox/Dockerfile")

        assert locate_source(checkout, outside, None) == Source(outside, expected)

    def test_a_relative_one_becomes_absolute(
        self, outside: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = dockerfile(outside / "sandbox/Dockerfile")
        monkeypatch.chdir(outside.parent)

        assert locate_source(Path.cwd(), Path("outside"), None) == Source(outside, expected)

    def test_without_a_dockerfile_it_is_refused_and_not_replaced(self, outside: Path) -> None:
        with pytest.raises(UsageError) as caught:
            locate_source(outside, outside, None)

        assert caught.value.code == "dockerfile_not_found"
        assert str(outside) in caught.value.message
        assert "sandbox/Dockerfile and apps/os2/sandbox/Dockerfile" in (caught.value.hint or "")

    @pytest.mark.parametrize("name", ["none", "file"])
    def test_anything_but_a_directory_is_refused(self, name: str, outside: Path) -> None:
        (outside / "file").write_text("")

        with pytest.raises(UsageError, match=f"--repo: .*{name} is not a directory") as caught:
            locate_source(outside, outside / name, None)

        assert caught.value.code == "repository_not_found"


class TestDockerfile:
    def test_it_is_looked_for_in_the_repository_first(self, checkout: Path) -> None:
        below = checkout / "below"
        dockerfile(below / "Other")
        expected = dockerfile(checkout / "Other")

        assert locate_source(below, None, "Other") == Source(checkout, expected)

    def test_and_then_where_the_command_was_started(self, checkout: Path) -> None:
        expected = dockerfile(checkout / "below/Other")

        assert locate_source(checkout / "below", None, "Other") == Source(checkout, expected)

    def test_an_absolute_path_is_taken(self, checkout: Path) -> None:
        expected = dockerfile(checkout / "x/Other")

        assert locate_source(checkout, None, str(expected)) == Source(checkout, expected)

    def test_it_wins_over_the_usual_place(self, checkout: Path) -> None:
        dockerfile(checkout / "sandbox/Dockerfile")
        expected = dockerfile(checkout / "Other")

        assert locate_source(checkout, None, "Other").dockerfile == expected

    @pytest.mark.parametrize("link", [False, True], ids=["path", "link"])
    def test_one_outside_of_the_repository_is_refused(
        self, link: bool, checkout: Path, outside: Path
    ) -> None:
        named = dockerfile(outside / "Other")
        if link:
            (checkout / "Link").symlink_to(named)

        with pytest.raises(UsageError) as caught:
            locate_source(checkout, None, "Link" if link else "../outside/Other")

        assert caught.value.code == "dockerfile_outside"
        assert str(named) in caught.value.message
        assert caught.value.hint == "name its repository: --repo PATH"

    @pytest.mark.parametrize("name", ["None", "folder", ""])
    def test_a_missing_one_is_refused(self, name: str, checkout: Path) -> None:
        (checkout / "folder").mkdir()

        with pytest.raises(UsageError) as caught:
            locate_source(checkout, None, name)

        assert caught.value.code == "dockerfile_not_found"
        assert caught.value.message == f"Dockerfile {name} not found in {checkout}"
