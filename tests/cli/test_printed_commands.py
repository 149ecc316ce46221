"""What os2 prints as a command to type does what it says, with any text in it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.commands.machine.url import header_of, signed_seconds
from os2cli.core.errors import Os2Error, UsageError
from os2cli.core.models import Address
from os2cli.host.network.failures import proxy_problem
from os2cli.host.network.proxies import Proxy
from os2cli.providers.daytona.machines.gateway_keys import GatewayKeys
from os2cli.providers.tar import copy_error

MARKS = "$()`;&|<>'\" \\*~"
TEXTS = st.text(st.characters(codec="utf-8", min_codepoint=32) | st.sampled_from(MARKS), min_size=1)


def words_behind(error: Os2Error, lead: str) -> list[str]:
    """Return the words of the command that a hint ends with."""
    return shlex.split(str(error.hint).partition(lead)[2])


@given(TEXTS)
def test_a_missing_path_of_a_machine(folder: str) -> None:
    error = copy_error("dev-1", f"{folder}/x", b"tar: x: No such file or directory")
    words = words_behind(error, "list files: ")
    assert words[:6] == ["os2", "machine", "exec", "dev-1", "--", "ls"]
    assert len(words) == 7


@given(TEXTS)
def test_a_time_without_a_link(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        signed_seconds(signed=False, expires=text, header=False)
    assert words_behind(caught.value, "--expires ") == [text]


@given(TEXTS)
def test_a_machine_without_a_header(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        header_of(name, Address("http://localhost:1"))
    assert words_behind(caught.value, "leave it out: ") == ["os2", "machine", "url", name]


@given(TEXTS)
def test_a_changed_key(folder: str) -> None:
    keys = GatewayKeys("gateway.test", 22, Path("/") / folder / "known")
    error = keys.explained(("Host key verification failed.",))
    assert error is not None
    assert words_behind(error, "replaced the key: ")[2] == str(keys.file)


@given(TEXTS)
def test_a_host_without_a_proxy(host: str) -> None:
    proxy = Proxy("http", "proxy.test", 3128, "http_proxy")
    problem = proxy_problem(proxy, "refused", host, login=False)
    assert shlex.split(str(problem.hint).partition("export ")[2]) == [f"NO_PROXY={host}"]
