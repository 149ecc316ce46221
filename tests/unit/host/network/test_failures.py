"""Why a host could not be reached."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.host.network.failures import problem_of

PARTS = st.sampled_from(["https", "://", "[", "]", "::1", "x", ":", "port", "@", "/", "%", " "])


@given(st.lists(PARTS, max_size=8).map("".join))
def test_an_address_that_another_side_gave_may_be_any_text(url: str) -> None:
    assert problem_of(httpx.ReadTimeout(""), url).text.endswith(": timed out")


@pytest.mark.parametrize("url", ["https://[::1", "https://x:port", "https://a..b"])
def test_an_invalid_address_is_asked_once(url: str) -> None:
    with httpx.Client() as client, pytest.raises((httpx.InvalidURL, ValueError)) as caught:
        client.get(url)

    assert problem_of(caught.value, url).final
