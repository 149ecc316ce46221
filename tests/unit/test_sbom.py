"""The bill of materials of an image: valid, complete, the same each time, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sbom import bill_of, check_bill

PACKAGES = [
    {"source": "debian", "name": "libc6", "version": "2.36-9+deb12u13"},
    {"source": "npm", "name": "yallist", "version": "4.0.0"},
    {"source": "npm", "name": "yallist", "version": "5.0.0"},
    {"source": "npm", "name": "@openai/codex", "version": "1.0.0"},
]
IMAGE: dict[str, Any] = {
    "name": "iterate-sandbox:local",
    "id": "sha256:" + "1" * 64,
    "contents": {
        "os": "Debian GNU/Linux 12 (bookworm)",
        "tools": [
            {"source": "tool", "name": "node", "version": "24.11.0"},
            {"source": "tool", "name": "git", "version": "2.39.5"},
        ],
        "packages": PACKAGES,
    },
}


def components(bill: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bill)["components"]
    return found


@pytest.mark.parametrize("os", ["Debian GNU/Linux 12 (bookworm)", "Ubuntu 24.04 LTS", None])
def test_a_bill_is_valid_and_names_every_package(os: str | None) -> None:
    bill = bill_of({**IMAGE, "contents": {**IMAGE["contents"], "os": os}})

    check_bill(bill)
    vendor = "ubuntu" if os and os.startswith("Ubuntu") else "debian"
    assert {each["purl"] for each in components(bill)} == {
        f"pkg:deb/{vendor}/libc6@2.36-9%2Bdeb12u13",
        "pkg:npm/yallist@4.0.0",
        "pkg:npm/yallist@5.0.0",
        "pkg:npm/%40openai/codex@1.0.0",
        "pkg:generic/node@24.11.0",
    }
    assert {each["bom-ref"] for each in components(bill)} == {
        each["purl"] for each in components(bill)
    }


def test_the_same_image_has_the_same_components() -> None:
    assert components(bill_of(IMAGE)) == components(bill_of(IMAGE))


def test_a_bill_holds_no_address_but_the_schema_s() -> None:
    addresses = re.findall(r"\w+://[^/\s\"]*", bill_of({**IMAGE, "labels": {"x": "https://h"}}))
    assert set(addresses) == {"http://cyclonedx.org"}


def test_an_image_without_a_record_has_no_bill() -> None:
    with pytest.raises(SystemExit, match="no record of its packages"):
        bill_of({**IMAGE, "contents": None})


def test_what_the_schema_rejects_is_an_error() -> None:
    with pytest.raises(SystemExit, match="invalid"):
        check_bill(bill_of(IMAGE).replace('"container"', '"vessel"'))
