"""PostHog's responses are data: no script, no page, and no path of ours to send something to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.ui.ingest.documents import config_of, flags_of, parse_document, receipt_of
from tests.unit.ui.ingest.wires import Upstream, proxy_to, says

SCRIPT = b"(new Image).src='https://evil.example'"
# What posthog-js 1.449.2 obeys, with the values of an attacker.
STEERING: dict[str, Any] = {
    "supportedCompression": ["gzip-js", "evil", {"a": 1}],
    "sessionRecording": {
        "endpoint": "/../../machines/local-process/dev/rm",
        "consoleLogRecordingEnabled": True,
        "networkPayloadCapture": {"recordBody": True, "recordHeaders": True},
        "masking": {"maskAllInputs": False, "maskTextSelector": ""},
        "recordCanvas": True,
        "scriptConfig": {"script": "evil"},
        "sampleRate": "0.5",
        "minimumDurationMilliseconds": 2000,
    },
    "analytics": {"endpoint": "/../machines"},
    "siteApps": [{"id": 1, "url": "/evil.js"}],
    "siteAppsJS": ["alert(1)"],
    "surveys": True,
    "productTours": True,
    "conversations": {"enabled": True},
    "logs": {"captureConsoleLogs": True},
    "heatmaps": True,
    "autocaptureExceptions": True,
    "capturePerformance": {"web_vitals": True},
    "toolbarParams": {"token": "x"},
    "editorParams": {"token": "x"},
    "flags": {"evil": {"enabled": True}},
    "hasFeatureFlags": True,
}
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
DOCUMENT = st.dictionaries(
    st.sampled_from(sorted(STEERING)) | st.text(),
    VALUE | st.dictionaries(st.sampled_from(sorted(STEERING["sessionRecording"])), VALUE),
)


def test_a_configuration_decides_whether_and_how_much_is_recorded() -> None:
    assert config_of(STEERING) == {
        "supportedCompression": ["gzip-js"],
        "sessionRecording": {
            "endpoint": "/s/",
            "consoleLogRecordingEnabled": False,
            "sampleRate": "0.5",
            "minimumDurationMilliseconds": 2000.0,
        },
        "hasFeatureFlags": False,
    }


@given(DOCUMENT)
def test_no_document_brings_more_than_known_values(document: dict[str, Any]) -> None:
    config = config_of(document)

    assert set(config) == {"supportedCompression", "sessionRecording", "hasFeatureFlags"}
    assert set(config["supportedCompression"]) <= {"gzip-js", "base64"}
    recording = config["sessionRecording"]
    if recording is not False:
        assert recording["endpoint"] == "/s/"
        assert recording["consoleLogRecordingEnabled"] is False
        assert 0 <= float(recording.get("sampleRate", 0)) <= 1
        assert 0 <= recording.get("minimumDurationMilliseconds", 0) <= 60_000
        assert len(recording) <= 4
    assert flags_of(document) == config | {"flags": {}, "featureFlags": {}}
    assert receipt_of(document) == {"status": 1, "quota_limited": []}


@given(st.binary())
def test_what_is_not_a_json_object_is_rejected(content: bytes) -> None:
    try:
        assert isinstance(parse_document(content), dict)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("kind", "more", "body"),
    [
        ("text/javascript", "", SCRIPT),
        ("application/javascript", "", SCRIPT),
        ("text/html", "", b"<script>alert(1)</script>"),
        ("", "", b"{}"),
        ("application/json-script", "", b"{}"),
        ("text/plain", "", b"{}"),
        ("application/json", "", SCRIPT),
        ("application/json", "", b"[]"),
        ("application/json", "", b'"alert(1)"'),
        ("application/json", "", b"[" * 200_000),
        ("application/json", "", b"\xff\xfe{}"),
        ("application/json", "Content-Encoding: gzip\r\n", b"{}"),
        ("application/json", "Content-Encoding: br\r\n", b"{}"),
        ("application/json", "", b" " * (1 << 20) + b"{}"),
        ("application/json\r\nContent-Type: text/html", "", SCRIPT),
    ],
)
@pytest.mark.parametrize("path", ["/e/", "/s/", "/flags/", "/array/key/config"])
def test_a_response_without_data_stays_here(kind: str, more: str, body: bytes, path: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    with Upstream(says(head.encode() + body)) as upstream, proxy_to(upstream.url) as browser:
        reply = browser.ask(f"/ingest{path}", method="GET")

    assert reply.status == 502
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.body.startswith(b"PostHog's response is ")


def test_a_configuration_arrives_without_what_steers_the_page() -> None:
    body = json.dumps(STEERING).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with Upstream(says(head.encode() + body)) as upstream, proxy_to(upstream.url) as browser:
        reply = browser.ask("/ingest/array/key/config", method="GET")

    assert json.loads(reply.body) == config_of(STEERING)
