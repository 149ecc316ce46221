"""Operations in the web UI are tracked as commands are: the same events, from another surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.analytics import KEY
from tests.cli.lives import machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.polling import until
from tests.posthog_server import PostHogServer
from tests.ui_site import Visitor, serving

AT_ONE = "/machines/daytona/one"
SECRET = "hunter2-" * 4


@pytest.fixture
def visitor(cloud: Os2, published: None, posthog: PostHogServer) -> Iterator[Visitor]:
    tracked = {"POSTHOG_KEY": KEY, "POSTHOG_HOST": posthog.url}
    with serving(replace(cloud, env={**cloud.env, **tracked})) as site, Visitor(site) as visitor:
        yield visitor


def test_a_machine_s_life_in_the_page(visitor: Visitor, posthog: PostHogServer) -> None:
    variables = {"env_key": "DATABASE_PASSWORD", "env_value": SECRET}
    for path, fields in (
        ("/machines", {"type": "daytona", "name": "one", **variables}),
        (f"{AT_ONE}/stop", {"confirm": "stg"}),
        (f"{AT_ONE}/start", {"confirm": "stg"}),
        (f"{AT_ONE}/rm", {"confirm": "stg"}),
    ):
        assert visitor.ended(visitor.begin(path, **fields))["state"] == "done"

    names = ["machine_created", "machine_stopped", "machine_started", "machine_removed"]
    until(lambda: {each["event"] for each in posthog.events} >= set(names), 20)
    for name in names:
        (event,) = posthog.named(name)
        told = event["properties"]
        assert (told["surface"], told["success"]) == ("ui", True)
        assert (told["provider"], told["machine_type"]) == ("daytona", "daytona")
        assert told["$environment"] == "stg"
    for secret in (SECRET, "DATABASE_PASSWORD", '"one"', str(Path.cwd()), visitor.site.url):
        assert secret not in posthog.everything


def test_a_failure_in_the_page(
    visitor: Visitor, posthog: PostHogServer, daytona: DaytonaServer
) -> None:
    machine(daytona, "one")

    failed = visitor.ended(visitor.begin("/machines", type="daytona", name="one"))

    assert failed["state"] == "failed"
    (event,) = until(lambda: posthog.named("machine_created"), 20)
    told = event["properties"]
    assert (told["success"], told["error_code"]) == (False, "machine_exists")
    assert told["provider"] == "daytona"
