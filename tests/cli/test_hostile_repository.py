"""What a cloned repository cannot decide, and what of it no machine is shown without asking."""

from __future__ import annotations

import pytest

from tests.command import Os2


@pytest.fixture
def checkout(os2: Os2) -> Os2:
    (os2.folder / ".git").mkdir()
    return os2


def test_a_mount_with_secrets_is_rejected_before_an_engine_is_asked(os2: Os2) -> None:
    (os2.folder / ".env").write_text("TOKEN=hunter2\n")

    result = os2("machine", "create", "a", "--type", "local-docker", "--mount-repo")

    assert result.status == 2
    assert "--mount-repo: " in result.stderr
    assert ".env (an environment file with values)" in result.stderr
    assert "--allow-secrets" in result.stderr
    assert "hunter2" not in result.stderr


def test_the_image_is_not_the_repository_s_choice(checkout: Os2) -> None:
    (checkout.folder / "os2.toml").write_text('image = "postgres:16"\n')

    result = checkout("snapshot", "local-docker")

    assert result.status == 2
    assert "'image' cannot be set by a repository" in result.stderr
    assert "config.toml" in result.stderr


def test_a_build_argument_that_looks_like_a_secret_is_warned_of(checkout: Os2) -> None:
    (checkout.folder / "Dockerfile").write_text("FROM scratch\nARG NPM_TOKEN\nARG PLAIN\n")
    command = ("snapshot", "local-docker", "--dockerfile", "Dockerfile", "--build-arg")

    result = checkout(*command, "NPM_TOKEN=hunter2", "--build-arg", "PLAIN=yes")

    assert "warning: --build-arg NPM_TOKEN looks like a secret" in result.stderr
    assert "mount it instead: --secret id=NAME" in result.stderr
    assert "PLAIN" not in result.stderr
    assert "hunter2" not in result.stdout + result.stderr
