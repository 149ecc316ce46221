"""Providers' entries, and which providers are asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import UsageError
from os2cli.core.models import DAYTONA, LOCAL_DOCKER
from os2cli.providers.entry import ProviderContext, always, entries, never, parse_type, set_up_here
from os2cli.providers.local_docker.entry import ENTRY as ENGINE

CONTEXT = ProviderContext({}, Path("/h"), Path("/s"), Path("/c"), DaytonaAccess("https://x/api"))
HOST = replace(ENGINE, absent=never, shared=False)


def test_every_package_has_an_entry_and_those_on_this_host_come_first() -> None:
    assert list(entries()) == [LOCAL_DOCKER, "local-process", DAYTONA]
    assert all(type_ == entry.type for type_, entry in entries().items())


def test_parse_type_takes_exact_names() -> None:
    assert parse_type("daytona") == DAYTONA
    with pytest.raises(UsageError) as caught:
        parse_type("Daytona")
    assert caught.value.hint == "choose one of local-docker, local-process, daytona"


def test_an_absent_provider_is_asked_only_without_another() -> None:
    gone = replace(ENGINE, absent=always)
    not_set_up = replace(HOST, set_up=never)

    assert set_up_here([gone, HOST], CONTEXT) == [HOST]
    assert set_up_here([gone, not_set_up], CONTEXT) == [gone]
    assert set_up_here([HOST, not_set_up], CONTEXT) == [HOST]


def test_an_api_key_sets_daytona_up() -> None:
    with_key = replace(CONTEXT, daytona=DaytonaAccess("https://x/api", api_key="k"))

    assert not entries()[DAYTONA].set_up(CONTEXT)
    assert entries()[DAYTONA].set_up(with_key)
