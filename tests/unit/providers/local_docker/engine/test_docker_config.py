"""Logins in Docker's configuration: what Docker reads is read, what it can't costs only itself."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from docker import auth

from os2cli.providers.local_docker.engine import login_helper
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.images import logins

HOST = "registry.example"
PASSWORD = "pass" + ":wörd"
AUTH = base64.b64encode(f"me:{PASSWORD}".encode()).decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def login(folder: Path, config: Any, host: str = HOST) -> tuple[str, str]:
    with closing(client_of(folder, config)) as client:
        return logins.of_client(client)(host)


def client_of(folder: Path, config: Any) -> EngineClient:
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return EngineClient(Endpoint("unix:///nowhere.sock", "a test"), "1.41", 5)


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": AUTH},
        {"username": "me", "password": PASSWORD},
        {"auth": "", "username": "me", "password": PASSWORD},
        {"auth": AUTH, "username": "another", "password": "another"},
        {"auth": AUTH, "identitytoken": ""},
    ],
)
def test_every_form_that_docker_reads_is_a_login(folder: Path, entry: Any) -> None:
    assert login(folder, {"auths": {HOST: entry}}) == ("me", PASSWORD)


def test_an_identity_token_has_no_user(folder: Path) -> None:
    entry = {"auth": AUTH, "identitytoken": "token"}
    assert login(folder, {"auths": {HOST: entry}}) == ("", "token")


@pytest.mark.parametrize(
    "entry",
    [
        *([], None, "text", 3),
        *({"auth": auth} for auth in ("!!!", 3, "bWU=", "/w==", "é")),
        *({"username": "me"}, {"username": 1, "password": 2}),
    ],
)
def test_one_that_is_unreadable_costs_no_other(folder: Path, entry: Any) -> None:
    config = {"auths": {"other.example": entry, HOST: {"auth": AUTH}}}

    assert login(folder, config, "other.example") == ("", "")
    assert login(folder, config) == ("me", PASSWORD)


@pytest.mark.parametrize(
    "script",
    [
        "exit 2",
        "echo no JSON",
        "echo []",
        "echo {}",
        "sleep 60 & wait",
        "exec sleep 60",
        'echo \'{"Username": "me"}\'',
        None,
    ],
)
def test_a_helper_that_fails_is_as_no_login(
    folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    monkeypatch.setattr(login_helper, "HELPER_SECONDS", 0.2)
    if script is not None:
        helper = folder / "docker-credential-odd"
        helper.write_text(f"#!/bin/sh\n{script}\n")
        helper.chmod(0o755)

    assert login(folder, {"credsStore": "odd"}) == ("", "")
    for helpers in ({"credsStore": "odd"}, {"credHelpers": {"other.example": "odd"}}):
        config = {**helpers, "auths": {HOST: {"auth": AUTH}}}
        assert login(folder, config) == ("me", PASSWORD)
        with closing(client_of(folder, config)) as client:
            sdk: Any = client
            assert list(sdk._auth_configs.get_all_credentials()) == [HOST]
    with closing(client_of(folder, {"credHelpers": {HOST: "odd"}})) as client:
        assert "docker-credential-odd" in (client.log_in(f"{HOST}/image:1") or "")
        assert client.log_in("another.example/image") is None


def test_a_helper_that_has_none_for_one_host_is_asked_for_the_next(folder: Path) -> None:
    helper = folder / "docker-credential-odd"
    found = json.dumps({"Username": "me", "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\nread -r host\n[ $host = {HOST} ] && echo '{found}'\n")
    helper.chmod(0o755)
    with closing(client_of(folder, {"credsStore": "odd"})) as client:
        assert logins.of_client(client)("other.example") == ("", "")
        assert "docker-credential-odd gave no login" in (client.log_in("other.example/a") or "")
        assert logins.of_client(client)(HOST) == ("me", PASSWORD)
        assert client.log_in(f"{HOST}/a") is None


@pytest.mark.parametrize("config", [None, {}, {"auths": {}}, {"auths": {"other.example": None}}])
@pytest.mark.parametrize("asked", ["pull", "build"])
def test_without_a_login_there_is_none_also_after_a_request(
    folder: Path, monkeypatch: pytest.MonkeyPatch, config: Any, asked: str
) -> None:
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {HOST: {"auth": AUTH}}}))
    with closing(client_of(folder, config)) as client:
        sdk: Any = client
        header = auth.get_config_header(sdk, "other.example")
        if asked == "build":
            sdk._set_auth_headers({})

        assert header is None
        assert client.log_in("other.example/image:1") is None
        assert logins.of_client(client)("other.example") == ("", "")
        assert logins.of_client(client)(HOST) == ("me", PASSWORD)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_costs_no_login(folder: Path, encoding: str) -> None:
    text = json.dumps({"auths": {HOST: {"auth": AUTH}}})
    (folder / "config.json").write_text(text, encoding=encoding)

    with closing(EngineClient(Endpoint("unix:///nowhere.sock", "a test"), "1.41", 5)) as client:
        assert logins.of_client(client)(HOST) == ("me", PASSWORD)


def test_logins_of_the_environment_come_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"auth": base64.b64encode(b"file:file").decode()}
    config = {"auths": {HOST: other, "other.example": other}}
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {HOST: {"auth": AUTH}}}))

    assert login(folder, config) == ("me", PASSWORD)
    assert login(folder, config, "other.example") == ("file", "file")
    for invalid in ("", "no JSON", "[]", '{"auths": 3}'):
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", invalid)
        assert login(folder, config) == ("file", "file")
