"""Addresses are added to and removed from dockerd's options, in every spelling of ``-H``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.doctor.fixes.hosts import add_option, drop_option, socket_of

TCP = "tcp://127.0.0.1:2375"
UNIX = "unix:///var/run/docker.sock"
URLS = st.sampled_from([UNIX, "fd://", "unix:///other.sock", "tcp://127.0.0.1:9999"])
OTHERS = st.sampled_from([("--debug",), ("--log-level", "warn"), ("--data-root=/x",)])


def spelled(url: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from([("-H", url), (f"-H{url}",), (f"-H={url}",), ("--host", url),
                            (f"--host={url}",)])  # fmt: skip


WORDS = st.lists(st.one_of(OTHERS, URLS.flatmap(spelled)), max_size=6).map(
    lambda groups: [word for group in groups for word in group]
)


@given(WORDS, spelled(TCP), st.data())
def test_what_is_removed_is_the_address_alone(
    words: list[str], option: tuple[str, ...], data: st.DataObject
) -> None:
    pairs = drop_option(words, TCP)
    assert pairs == words
    place = data.draw(st.sampled_from([0, len(words)]))
    assert drop_option([*words[:place], *option, *words[place:]], TCP) == words


@given(WORDS)
def test_what_is_added_keeps_an_address_for_this_host(words: list[str]) -> None:
    options = add_option(words, TCP, UNIX, "dockerd")
    assert options[: len(words)] == words
    assert options[-2:] == ["-H", TCP]
    assert add_option(options, TCP, UNIX, "dockerd") == options
    named = [word for word in words if "://" in word]
    assert (options[-4:-2] == ["-H", UNIX]) >= (not named)


@given(spelled("tcp://0.0.0.0:2375"))
def test_a_port_that_is_open_to_other_hosts_is_rejected(option: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="may be open to other hosts"):
        add_option(option, TCP, UNIX, "dockerd")


def test_the_first_socket_is_where_dockerd_answers() -> None:
    assert socket_of(["--debug", "-H", TCP, "-Hunix:///a.sock"], UNIX) == "unix:///a.sock"
    assert socket_of(["--debug"], UNIX) == UNIX
