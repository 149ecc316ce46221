"""What the pages show: all providers, their problems, no secrets and no active content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from tests.cli.lives import machine
from tests.cli.scenes import NEWEST
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until
from tests.ui_site import Visitor, serving

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
SECRET = "canary-value-4711"


@pytest.fixture
def visitor(both: Os2) -> Iterator[Visitor]:
    with serving(both) as site, Visitor(site) as visitor:
        yield visitor


def rows(visitor: Visitor, path: str = "/machines?part") -> str:
    return visitor.get(path).text


def test_nothing_is_there_yet(visitor: Visitor) -> None:
    assert "No machines yet" in until(
        lambda: (t := rows(visitor)) and "loading from" not in t and t
    )
    assert "No activity yet" in visitor.get("/jobs").text


def test_both_providers_on_one_page(visitor: Visitor, daytona: DaytonaServer) -> None:
    machine(daytona, "reviews")
    machine(daytona, "far", stage="dev-anna")
    job = visitor.begin("/machines", type="local-docker", name="here", no_wait="1")
    assert visitor.ended(job)["outcome"] == "here is running"

    text = until(lambda: "reviews" in (t := rows(visitor)) and "here" in t and t)
    assert "far" not in re.findall(r"data-item>([^<]+)<", text)
    assert "1 more in other stages" in text
    assert "far" in rows(visitor, "/machines?part&all")
    assert re.search(r'<time datetime="[^"]+" title="\d{4}-\d\d-\d\d [\d:]+ UTC">', text)


def test_one_that_is_down_is_reported_and_the_other_shown(
    visitor: Visitor, daytona: DaytonaServer, both: Os2
) -> None:
    job = visitor.begin("/machines", type="local-docker", name="here", no_wait="1")
    visitor.ended(job)
    with (
        serving(replace(both, env={**both.env, "DAYTONA_API_KEY": "dtn_wrong"})) as site,
        Visitor(site) as other,
    ):
        text = until(lambda: "daytona:" in (t := rows(other)) and "here" in t and t)
        assert "rejected the API key" in text
        assert "DAYTONA_API_KEY" in text
        assert "dtn_wrong" not in "".join(other.texts)
        catalogs = other.get("/snapshots?part").text
        assert "daytona:" in catalogs
        assert "iterate-sandbox:local" in catalogs


def test_one_that_hangs_does_not_delay_the_page(
    visitor: Visitor, daytona: DaytonaServer, both: Os2
) -> None:
    visitor.ended(visitor.begin("/machines", type="local-docker", name="here", no_wait="1"))
    until(lambda: "asking" not in rows(visitor))
    daytona.fail_next("GET", "/sandbox", Fault(hang=20), times=50)
    with serving(both) as site, Visitor(site) as new:
        text = until(lambda: "here" in (t := rows(new)) and t)
        assert "loading from daytona" in text


def test_what_others_wrote_is_text(visitor: Visitor, daytona: DaytonaServer) -> None:
    record = machine(daytona, "hostile", state="error", error_reason=HOSTILE)
    record.labels |= {"dev.os2.owner": HOSTILE, HOSTILE: HOSTILE, "dev.os2.snapshot": HOSTILE}
    record.labels |= {"dev.os2.labels": f'["{HOSTILE[:1]}x"]'}
    daytona.index.show(record.id, record.item())
    until(lambda: "hostile" in rows(visitor))

    page = "/machines/daytona/hostile?stage=stg"
    for path in ("/machines", "/machines?part&all", page, f"{page}&part", "/snapshots?all"):
        text = visitor.get(path).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert not re.search(r"<[^>]*\sonerror", re.sub(r'"[^"]*"', '""', text))
    assert "&lt;script&gt;" in visitor.get("/machines?part").text


def test_a_log_is_also_text(visitor: Visitor, daytona: DaytonaServer) -> None:
    machine(daytona, "one").log.extend([HOSTILE, "\x1b[2J\x1b]0;title\x07plain"])

    with visitor.stream("GET", "/machines/daytona/one/logs?stage=stg&once") as answer:
        lines = [line for line in answer.iter_lines() if line.startswith("data: [")]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "alert(1)" in lines[0]
    assert "\\u001b" not in lines[0]


def test_the_log_s_form_keeps_its_values(visitor: Visitor, daytona: DaytonaServer) -> None:
    machine(daytona, "one")
    usual, web = 'name="follow" checked', 'name="service" value="web"'

    first = visitor.get("/machines/daytona/one?stage=stg").text
    followed = visitor.get("/machines/daytona/one?stage=stg&service=web&follow=on").text
    once = visitor.get("/machines/daytona/one?stage=stg&service=web").text

    assert (usual in first, web in first) == (True, False)
    assert (usual in followed, web in followed) == (True, True)
    assert (usual in once, web in once) == (False, True)
    assert 'type="hidden" name="stage" value="stg"' in once


def test_an_invalid_url_is_not_a_link(visitor: Visitor, daytona: DaytonaServer) -> None:
    record = machine(daytona, "one")
    body = {"sandboxId": record.id, "url": "javascript:alert(1)", "token": "t0ken-4712"}
    daytona.fail_next("GET", f"/sandbox/{record.id}/ports/.*", Fault(200, body), times=50)

    text = visitor.get("/machines/daytona/one?stage=stg").text

    assert 'href="javascript' not in text
    opened = visitor.get(
        "/machines/daytona/one/open?stage=stg", headers={"sec-fetch-site": "same-origin"}
    )
    assert opened.status_code >= 400
    assert "javascript:" not in opened.headers.get("location", "")
    assert "t0ken-4712" not in "".join(visitor.texts)


def test_a_private_machine_is_opened_by_an_unlisted_url(
    visitor: Visitor, daytona: DaytonaServer
) -> None:
    machine(daytona, "one")
    for path in ("/machines", "/machines?part", "/machines/daytona/one?stage=stg"):
        assert "token" not in visitor.get(path).text

    opened = visitor.get("/machines/daytona/one/open?stage=stg")

    assert opened.status_code == 303
    assert opened.headers["referrer-policy"] == "no-referrer"
    page = httpx.get(opened.headers["location"], trust_env=False)
    assert page.status_code == 200


def test_the_values_of_variables_are_nowhere(
    visitor: Visitor, daytona: DaytonaServer, published: None
) -> None:
    """Not in a response, a job, an event or a message of the server; created or rejected."""
    fields = {"type": "daytona", "env_key": ["CANARY", "B-AD"], "env_value": [SECRET, SECRET]}
    refused = visitor.send_form("/machines", name="one", **fields)
    assert refused.status_code == 422
    headers = {"Origin": visitor.site.origin}
    assert (
        visitor.post("/machines", data={"name": "-", **fields}, headers=headers).status_code == 422
    )
    job = visitor.begin("/machines", name="one", type="daytona", env_key="CANARY", env_value=SECRET)
    assert visitor.ended(job)["outcome"] == "one is running"
    events = str(list(visitor.events(job)))
    assert visitor.send_form("/machines", name="one", type="daytona", env_key="CANARY",
                             env_value=SECRET).status_code == 202  # fmt: skip
    again = visitor.get("/jobs").text
    for path in (job, "/machines", "/machines/daytona/one?stage=stg", "/jobs?part"):
        visitor.get(path)

    assert "CANARY" in visitor.get(job).text
    _, errors = visitor.site.end()
    assert daytona.sandbox("stg--one").env["CANARY"] == SECRET
    assert SECRET not in "".join(visitor.texts) + events + again + errors
    assert daytona.api_key not in "".join(visitor.texts) + events + errors


def test_the_resolution_is_explained(
    visitor: Visitor, daytona: DaytonaServer, published: None
) -> None:
    daytona.add_snapshot("stg--20260112-000000", state="building")

    first = visitor.get("/machines/preview?type=daytona").text
    second = visitor.get("/machines/preview?type=daytona").text
    refreshed = visitor.get("/machines/preview?type=daytona&refresh").text

    assert NEWEST in first
    assert "from APP_STAGE" in first
    assert "building" in first
    assert "cached" in second
    assert "cached" not in refreshed


def test_the_local_image_is_judged(visitor: Visitor) -> None:
    text = visitor.get("/machines/preview?type=local-docker").text

    assert "iterate-sandbox:local" in text
    assert "out of date" in text
    assert "Rebuild the image first" in text


def test_an_unknown_source_is_reported_instead(os2: Os2) -> None:
    with serving(os2) as site, Visitor(site) as visitor:
        for type_, why in (("daytona", "no stage is set"), ("local-docker", "is not running")):
            text = visitor.get("/machines/preview", params={"type": type_}).text
            assert 'data-tone="problem"' in text
            assert why in text.lower()
            assert 'class="hint"' in text


def test_what_a_machine_may_use_is_on_its_page_and_what_it_uses_a_part_of_it(
    visitor: Visitor, daytona: DaytonaServer
) -> None:
    machine(daytona, "one")

    page = visitor.get("/machines/daytona/one?stage=stg").text
    usage = visitor.get("/machines/daytona/one/usage?stage=stg").text
    missing = visitor.get("/machines/daytona/two/usage?stage=stg").text

    assert "CPU" in page
    assert "/machines/daytona/one/usage?stage=stg" in page
    # Daytona tells only the limits.
    assert "- / 1 GiB" in usage
    assert "not found" in missing


def test_a_removed_machine_is_reported_on_its_page(
    visitor: Visitor, daytona: DaytonaServer
) -> None:
    page = "/machines/daytona/one?stage=stg"

    assert visitor.get(page).status_code == 404
    assert "This machine no longer exists" in visitor.get(f"{page}&part").text


def test_without_a_key_publishing_names_what_is_missing(os2: Os2) -> None:
    with serving(os2) as site, Visitor(site) as visitor:
        assert "DAYTONA_API_KEY" in visitor.get("/snapshots/publish").text


def test_the_doctor_reports_problems(visitor: Visitor) -> None:
    text = visitor.get("/doctor?part").text

    assert len(re.findall(r'class="finding"', text)) >= 10
    assert "Problem" in text


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "-bad"}, "name"),
        ({"port": "x"}, "port"),
        ({"port": "70000"}, "port"),
        ({"cpu": "nan"}, "cpu"),
        ({"memory": "much"}, "memory"),
        ({"ttl": "soon"}, "ttl"),
        ({"auto_stop": "2h"}, "auto-stop"),
        ({"label_key": "dev.os2.x", "label_value": "1"}, "label"),
        ({"count": "0"}, "count"),
        ({"timeout": "1", "no_wait": "1"}, "timeout"),
    ],
)
def test_a_mistake_is_shown_at_its_field(
    visitor: Visitor, fields: dict[str, str], name: str
) -> None:
    answer = visitor.send_form("/machines", type="local-docker", **fields)

    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == name
    assert error["hint"]
    assert "No activity yet" in visitor.get("/jobs").text
