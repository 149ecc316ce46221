"""The networks that this host has routes to, as the kernel lists them."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path

import pytest

from os2cli.host.network.routed import routed_networks

HEADING = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


def line(network: str) -> str:
    parsed = ipaddress.IPv4Network(network)
    address, mask = (
        f"{struct.unpack('=I', socket.inet_aton(str(each)))[0]:08X}"
        for each in (parsed.network_address, parsed.netmask)
    )
    return f"eth0\t{address}\t00000000\t0001\t0\t0\t0\t{mask}\t0\t0\t0\n"


@pytest.mark.parametrize("networks", [[], ["10.0.0.0/8"], ["192.168.1.0/24", "172.17.0.0/16"]])
def test_they_are_those_of_the_table(tmp_path: Path, networks: list[str]) -> None:
    table = tmp_path / "route"
    table.write_text(HEADING + line("0.0.0.0/0") + "".join(map(line, networks)))

    assert [str(each) for each in routed_networks(table)] == networks


@pytest.mark.parametrize("text", ["", "nonsense\nnonsense\n", HEADING + "eth0\tZZ\n", HEADING * 2])
def test_a_table_of_another_form_has_none(tmp_path: Path, text: str) -> None:
    table = tmp_path / "route"
    table.write_text(text)

    assert routed_networks(table) == []


def test_a_host_without_the_table_has_none(tmp_path: Path) -> None:
    assert routed_networks(tmp_path / "missing") == []
