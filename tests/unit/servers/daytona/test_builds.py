"""Logs of builds, and where contexts and images are pushed."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.daytona_server import DaytonaServer, S3Storage, Timing
from tests.polling import until
from tests.unit.servers.daytona.calls import (
    DOCKERFILE,
    NAME,
    NO_CERTIFICATES,
    STAYS,
    build,
    message,
    state,
    stay,
)


class TestBuildLogs:
    def test_early_there_is_none(self, api: httpx.Client, timing: Timing) -> None:
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: api.get(f"/snapshots/{id_}/build-logs-url").status_code == 200)
        stay(timing, pending=STAYS)
        id_ = api.post("/snapshots", json=build("FROM other", "second")).json()["id"]
        message(api.get(f"/snapshots/{id_}/build-logs-url"), 404)

    def test_an_image_has_none(self, server: DaytonaServer, api: httpx.Client) -> None:
        id_ = server.add_snapshot(NAME, image_name="a:1")["id"]
        assert "no build info" in message(api.get(f"/snapshots/{id_}/build-logs-url"), 404)

    def test_following_ends_with_success(
        self, server: DaytonaServer, api: httpx.Client, timing: Timing
    ) -> None:
        stay(timing, build=0.2)
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: state(api, f"/snapshots/{id_}") != "pending")
        url = api.get(f"/snapshots/{id_}/build-logs-url").json()["url"]
        assert url == f"{server.origin}/logs/{id_}"
        assert httpx.get(url, trust_env=False, verify=NO_CERTIFICATES).status_code == 401
        text = api.get(url, params={"follow": "true"}).text
        assert text.startswith("#1 ")
        assert "exporting to image" in text
        until(lambda: state(api, f"/snapshots/{id_}") == "active")
        assert api.get(f"/snapshots/{id_}/build-logs?follow=true").text == ""

    def test_following_a_failed_build_never_ends(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.add_snapshot(NAME, state="error", dockerfile=DOCKERFILE)
        url = f"{server.origin}/logs/{server.snapshots[0].id}?follow=true"
        with api.stream("GET", url, timeout=1) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("#1 ")
            with pytest.raises(httpx.ReadTimeout):
                next(lines)

    def test_the_server_stops_all_the_same(self, timing: Timing) -> None:
        with DaytonaServer(timing=timing) as server:
            server.add_snapshot(NAME, state="error", dockerfile=DOCKERFILE)
            headers = {"Authorization": f"Bearer {server.api_key}"}
            url = f"{server.origin}/logs/{server.snapshots[0].id}?follow=true"
            client = httpx.Client(headers=headers, trust_env=False, verify=NO_CERTIFICATES)
            answer = client.send(client.build_request("GET", url), stream=True)
            began = time.perf_counter()
        assert time.perf_counter() - began < 2
        answer.close()
        client.close()

    def test_a_second_build_shows_the_lines_of_the_first(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.add_snapshot("failed", state="error", dockerfile=DOCKERFILE)
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: state(api, f"/snapshots/{id_}") == "active")
        text = api.get(f"{server.origin}/logs/{id_}").text
        assert text.count("load build definition") == 2

    def test_the_log_may_be_on_another_host(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.foreign_logs = True
        id_ = server.add_snapshot(NAME, dockerfile=DOCKERFILE)["id"]
        url = api.get(f"/snapshots/{id_}/build-logs-url").json()["url"]
        assert url == f"{server.other_origin}/logs/{id_}"
        assert server.other_origin != server.origin
        assert api.get(url).text.startswith("#1 ")


class TestPushAccess:
    def test_a_store_is_made_when_it_is_asked_for(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        assert server.storage is None
        access = api.get("/object-storage/push-access").json()
        storage = server.storage
        assert isinstance(storage, S3Storage)
        assert access["organizationId"] == server.organization_id
        assert (access["storageUrl"], access["bucket"]) == (storage.url, storage.bucket)
        storage.put("org/hash/context.tar", b"tar")
        assert storage.keys() == ["org/hash/context.tar"]
        assert storage.read("org/hash/context.tar") == b"tar"
        assert [put.size for put in storage.puts] == [3]
        assert api.get("/object-storage/push-access").json() == access

    def test_the_store_knows_its_key(self) -> None:
        with S3Storage() as storage:
            url = f"{storage.url}/{storage.bucket}/some/key"
            assert httpx.head(url, trust_env=False, verify=NO_CERTIFICATES).status_code == 403
            assert (
                "InvalidAccessKeyId"
                in httpx.put(url, content=b"x", trust_env=False, verify=NO_CERTIFICATES).text
            )
            assert storage.keys() == []

    def test_without_a_registry(self, api: httpx.Client) -> None:
        message(api.get("/docker-registry/registry-push-access"), 404)
