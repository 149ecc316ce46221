"""The bill of materials of the real image, as `nox -s sbom` writes it."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import docker
import pytest

from tests.command import Os2
from tests.engine import sandbox_image
from tests.sbom import bill_of, check_bill

pytestmark = pytest.mark.engine

CANARY = "hunter2isSecret"
LIST = ["dpkg-query", "--show", "--showformat=${Package}@${Version}\n"]


@pytest.fixture
def bill(builds: Os2) -> str:
    shown = builds("snapshot", "show", sandbox_image(), "--json", env={"GH_TOKEN": CANARY})
    assert shown.status == 0, shown.stderr
    return bill_of(json.loads(shown.stdout))


def installed(engine: docker.APIClient) -> set[str]:
    """Return the packages that Debian's own program finds in the image."""
    program, *arguments = LIST
    container = engine.create_container(sandbox_image(), arguments, entrypoint=program)
    try:
        engine.start(container)
        assert engine.wait(container)["StatusCode"] == 0
        return set(engine.logs(container, stderr=False).decode().split())
    finally:
        engine.remove_container(container, force=True)


def test_it_is_valid_and_has_every_package_of_the_image(
    bill: str, engine: docker.APIClient
) -> None:
    check_bill(bill)
    components = json.loads(bill)["components"]
    sources = {each["purl"].partition("/")[0] for each in components}
    debian = {
        f"{each['name']}@{each['version']}"
        for each in components
        if each["purl"].startswith("pkg:deb/")
    }

    assert sources == {"pkg:deb", "pkg:npm", "pkg:generic"}
    assert debian == installed(engine)
    assert {"npm", "pnpm", "tsx"} <= {each["name"] for each in components}


def test_nothing_of_this_host_is_in_it(bill: str) -> None:
    assert set(re.findall(r"\w+://[^/\s\"]*", bill)) == {"http://cyclonedx.org"}
    for private in (CANARY, str(Path.home()), str(Path(__file__).parents[2]), socket.gethostname()):
        assert private not in bill
