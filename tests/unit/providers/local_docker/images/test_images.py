"""An image's name as engines list it, from every way to write it."""

from __future__ import annotations

import pytest

from os2cli.providers.local_docker.images.images import full_name


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("iterate-sandbox:local", "iterate-sandbox:local"),
        ("iterate-sandbox", "iterate-sandbox:latest"),
        ("docker.io/library/debian:12", "debian:12"),
        ("docker.io/team/app", "team/app:latest"),
        ("localhost/iterate-sandbox:local", "iterate-sandbox:local"),
        ("registry.test:5000/app", "registry.test:5000/app:latest"),
        ("app@sha256:abc", "app@sha256:abc"),
    ],
)
def test_a_name_is_listed_with_its_tag(written: str, listed: str) -> None:
    assert full_name(written) == listed
    assert full_name(listed) == listed
