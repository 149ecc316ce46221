"""A secret that is pasted where no value belongs is neither repeated nor kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Os2

# In parts, so that no scanner takes this file for a secret.
SECRETS = {
    "github": "gh" + "p_" + "aB3dE5fG7hJ9" * 3,
    "base64": "aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA" + "==",
    "word": "hunter2isSecret",
}
PLACES: dict[str, tuple[str, ...]] = {
    "create -e": ("machine", "create", "a", "-e", "{}"),
    "create -e name": ("machine", "create", "a", "-e", "A B={}"),
    "create --env=": ("machine", "create", "a", "--env={}"),
    "create two words": ("machine", "create", "a", "-e", "TOKEN_A=1", "TOKEN={}"),
    "exec -e": ("machine", "exec", "a", "-e", "{}", "--", "true"),
    "build-arg": ("snapshot", "local-docker", "--build-arg", "{}"),
    "build-arg empty name": ("snapshot", "local-docker", "--build-arg", "={}"),
    "remote build-arg": ("snapshot", "daytona", "--build-arg", "{}"),
    "remote build-arg empty": ("snapshot", "daytona", "--build-arg", "={}"),
    "build-arg two words": ("snapshot", "local-docker", "--build-arg", "A=1", "B={}"),
    "secret": ("snapshot", "local-docker", "--secret", "{}"),
    "secret id": ("snapshot", "local-docker", "--secret", "id={}"),
    "secret value": ("snapshot", "local-docker", "--secret", "id=npm,value={}"),
    "secret variable": ("snapshot", "local-docker", "--secret", "id=npm,env={}"),
    "secret file": ("snapshot", "local-docker", "--secret", "id=npm,src={}"),
    "ssh": ("snapshot", "local-docker", "--ssh", "{}"),
    "ssh socket": ("snapshot", "local-docker", "--ssh", "default={}"),
    "ssh name": ("snapshot", "local-docker", "--ssh", "{}="),
    "remote secret": ("snapshot", "daytona", "--secret", "id=npm,env={}"),
    "label": ("machine", "create", "a", "--label", "{}"),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_it_is_not_repeated_or_kept(os2: Os2, tmp_path: Path, place: str, secret: str) -> None:
    value = SECRETS[secret]
    words = [word.format(value) for word in PLACES[place]]
    at = words.index("--") if "--" in words else len(words)

    result = os2(*words[:at], "--json", "--debug", *words[at:])

    assert result.status != 0
    assert value not in result.stdout + result.stderr
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in kept if value.encode() in path.read_bytes()] == []


def test_a_misspelled_variable_is_named(os2: Os2) -> None:
    result = os2("machine", "create", "a", "-e", "GITHUB_TOKEN_2")
    assert "-e GITHUB_TOKEN_2: variable not set" in result.stderr
