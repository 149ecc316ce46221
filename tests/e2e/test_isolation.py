"""What machines are kept from, on a real engine: as they are created when nothing is asked for."""

from __future__ import annotations

import io
import json
import socket
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import httpx
import pytest

from os2cli.host.ports import loopback_addresses
from tests.command import Os2
from tests.engine import sandbox_image
from tests.serving import Quiet, serving_forever

pytestmark = pytest.mark.engine

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# A program that takes memory until it is killed.
GREEDY = "const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))"
# The kernel's own count; amid a kill, it may choose a second program.
KILLS = "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control"
GIB = 2**30


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def create(os2: Os2, name: str, *options: str) -> dict[str, Any]:
    """Create a machine and return its document."""
    made = os2("machine", "create", name, "--json", *options)
    assert made.status == 0, made.stderr
    document: dict[str, Any] = json.loads(made.stdout)
    return document


def inside(os2: Os2, name: str, script: str) -> str:
    """Return what a shell in the machine prints."""
    return os2("machine", "exec", name, "--", "sh", "-c", script).stdout


def status_of(os2: Os2, name: str) -> dict[str, str]:
    lines = inside(os2, name, "cat /proc/self/status").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("isolation", ["default", "strict"])
class TestHardened:
    def test_it_is_healthy_without_privileges_and_within_limits(
        self, os2: Os2, name: str, engine: docker.APIClient, isolation: str
    ) -> None:
        machine = create(os2, name, "--isolation", isolation)
        status = status_of(os2, name)
        host = engine.inspect_container(f"os2-{name}")["HostConfig"]
        info = engine.info()

        assert (machine["health"], machine["isolation"]) == ("healthy", isolation)
        assert {int(status[capability], 16) for capability in CAPABILITIES} == {0}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert status["Uid"].split() == ["1000"] * 4
        assert machine["limits"]["processes"] == host["PidsLimit"] == 2048
        assert info["MemTotal"] // 2 < machine["limits"]["memory_bytes"] < info["MemTotal"]
        assert host["LogConfig"]["Config"]["max-size"]
        assert not host["Binds"]

    def test_it_is_published_on_loopback_alone(
        self, os2: Os2, name: str, engine: docker.APIClient, isolation: str
    ) -> None:
        machine = create(os2, name, "--isolation", isolation)
        ports = engine.inspect_container(f"os2-{name}")["NetworkSettings"]["Ports"]["3000/tcp"]

        assert {each["HostIp"] for each in ports} == set(loopback_addresses())
        for address in loopback_addresses():
            host = f"[{address}]" if ":" in address else address
            url = f"http://{host}:{machine['port']}/api/health"
            assert httpx.get(url, trust_env=False).is_success
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with pytest.raises(OSError), socket.socket(family) as another:  # noqa: PT011
                another.bind((address, machine["port"]))

    def test_what_it_works_with_can_be_written(self, os2: Os2, name: str, isolation: str) -> None:
        create(os2, name, "--isolation", isolation)
        script = "for each in ~ /tmp /var/tmp . ; do touch $each/x && echo ok; done"

        assert inside(os2, name, script).split() == ["ok"] * 4
        assert os2("machine", "restart", name).status == 0


def test_only_strict_has_a_root_that_cannot_be_written(os2: Os2, name: str) -> None:
    create(os2, name, "--isolation", "strict")

    tried = os2("machine", "exec", name, "--", "sh", "-c", "touch /opt/os2/x")

    assert "Read-only file system" in tried.stderr


def test_off_is_the_engines_own_and_said_everywhere(
    os2: Os2, name: str, engine: docker.APIClient
) -> None:
    made = os2("machine", "create", name, "--isolation", "off")
    host = engine.inspect_container(f"os2-{name}")["HostConfig"]

    assert "--isolation off" in made.stderr
    assert not host["CapDrop"]
    assert not host["Memory"]
    assert "OFF" in os2("machine", "show", name).stdout
    assert "isolation off" in os2("machine", "list").stdout


def test_machines_cannot_reach_each_other_but_what_is_outside(
    os2: Os2, name: str, engine: docker.APIClient
) -> None:
    for each in (f"{name}-a", f"{name}-b"):
        create(os2, each)
    networks = engine.inspect_container(f"os2-{name}-b")["NetworkSettings"]["Networks"]
    (address,) = (network["IPAddress"] for network in networks.values())

    ask = f"curl -sS -m 3 http://{address}:3000/api/health 2>&1"
    tried = inside(os2, f"{name}-a", f"{ask}; getent hosts os2-{name}-b || echo none")

    assert '"status":"ok"' not in tried
    assert tried.endswith("none\n")
    # Its own name is resolved by the engine's server, which asks the host's for others.
    assert "127.0.0.11" in inside(os2, f"{name}-a", "cat /etc/resolv.conf")


@pytest.mark.parametrize("isolation", ["default", "strict", "off"])
def test_a_machine_reaches_its_host_by_name(os2: Os2, name: str, isolation: str) -> None:
    """A program on the engine's bridge, which only this host and its containers reach."""
    create(os2, name, "--isolation", isolation)
    # What the engine says of its bridge may lack the address: a new one has none in its settings.
    bridge = inside(os2, name, "getent ahostsv4 host.docker.internal").split()[0]

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the host")

    server = ThreadingHTTPServer((bridge, 0), Handler)
    with serving_forever(server):
        url = f"http://host.docker.internal:{server.server_port}/"
        assert inside(os2, name, f"curl -sS -m 5 --noproxy '*' {url} 2>&1") == "the host"


def test_its_network_goes_with_it_or_is_found_by_prune(
    os2: Os2, name: str, engine: docker.APIClient
) -> None:
    def networks() -> list[Any]:
        left: list[Any] = engine.networks(filters={"label": [f"dev.os2.name={name}"]})
        return left

    create(os2, name)
    assert len(networks()) == 1
    assert os2("machine", "rm", name, "--yes").status == 0
    assert networks() == []

    create(os2, name)
    engine.remove_container(f"os2-{name}", force=True)
    prune = ("machine", "prune", "--stage", os2.env["APP_STAGE"], "--json")
    planned, pruned = (json.loads(os2(*prune, how).stdout) for how in ("--dry-run", "--yes"))
    assert [(each["name"], each["outcome"]) for each in planned] == [(name, "planned")]
    assert [(each["name"], each["outcome"]) for each in pruned] == [(name, "removed")]
    assert networks() == []


def test_what_was_killed_for_memory_is_said_by_exec_show_and_logs(os2: Os2, name: str) -> None:
    create(os2, name, "--memory", "256m")
    line = "killed for memory: limit 256 MiB (--memory)"

    fine = os2("machine", "exec", name, "--", "true")
    killed = os2("machine", "exec", name, "--", "node", "-e", GREEDY)
    after = os2("machine", "exec", name, "--", "false")

    assert (fine.status, killed.status, after.status) == (0, 137, 1)
    assert [line in each.stderr for each in (fine, killed, after)] == [False, True, False]
    assert line in os2("machine", "show", name).stdout
    assert line in os2("machine", "logs", name).stderr
    kills = json.loads(os2("machine", "show", name, "--json").stdout)["memory_kills"]
    assert kills > 0
    assert f"oom_kill {kills}" in inside(os2, name, KILLS).splitlines()
    assert os2("machine", "stop", name).status == 0
    assert line in os2("machine", "show", name).stdout


def test_stats_shows_what_it_uses_and_may_use(os2: Os2, name: str) -> None:
    create(os2, name, "--memory", "1g", "--cpu", "0.5")

    (usage,) = json.loads(os2("machine", "stats", name, "--json").stdout)

    assert usage["limits"]["memory_bytes"] == GIB
    assert 2**20 < usage["memory_bytes"] < GIB
    assert 0 <= usage["cpu_percent"] < 100
    assert 1 < usage["processes"] < 2048
    assert usage["disk_bytes"] >= 0
    assert name in os2("machine", "stats").stdout


@pytest.fixture
def foreign(engine: docker.APIClient, image_tag: str) -> str:
    """An image whose program changes its user itself, as many do."""
    script = "chown 1000 /etc/shadow && exec sh /opt/os2/bin/start-machine"
    file = (
        f"FROM {sandbox_image()}\nUSER root\n"
        f"ENTRYPOINT {json.dumps(['tini-static', '--', 'sh', '-c', script])}\n"
    )
    for _ in engine.build(fileobj=io.BytesIO(file.encode()), tag=image_tag, rm=True):
        pass
    return image_tag


def test_a_foreign_image_that_needs_capabilities_is_served_with_a_hint(
    os2: Os2, name: str, foreign: str
) -> None:
    failed = os2("machine", "create", name, "--snapshot", foreign)
    hint = failed.stderr.partition("hint: ")[2].partition(": ")[2].splitlines()[0]

    assert failed.status == 1
    assert hint.endswith("--isolation off")
    assert os2(*hint.split()[1:]).status == 0
