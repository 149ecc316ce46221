"""The contents of a machine."""

from __future__ import annotations

import json
import re

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import LABELS, REPOSITORY, Sandbox

pytestmark = pytest.mark.engine

TOOLS = {
    "node --version": r"^v24\.",
    "npm --version": r"^11\.",
    "pnpm --version": r"^10\.",
    "tsx --version": r"^tsx v4\.",
    "gh --version": r"^gh version 2\.",
    "claude --version": r"^\d+\.\d+\.\d+ \(Claude Code\)",
    "opencode --version": r"^1\.\d+\.\d+",
    "git --version": r"^git version 2\.",
    "tmux -V": r"^tmux 3\.",
    "jq --version": r"^jq-1\.",
    "rg --version": r"^ripgrep \d+\.",
    "curl --version": r"^curl \d+\.",
}


@pytest.fixture(scope="module")
def sandbox(run_shared_sandbox: RunSandbox) -> Sandbox:
    return run_shared_sandbox()


@pytest.mark.parametrize(("command", "answer"), TOOLS.items(), ids=[t.split()[0] for t in TOOLS])
def test_a_tool_runs_as_the_machine_s_user(sandbox: Sandbox, command: str, answer: str) -> None:
    assert re.search(answer, sandbox.output(*command.split()))


@pytest.mark.parametrize("program", ["s6-svscan", "s6-supervise", "s6-log", "s6-svc", "npx", "ssh"])
def test_a_program_is_on_the_path(sandbox: Sandbox, program: str) -> None:
    assert sandbox.output("which", program).startswith("/")


def test_the_user_is_node_with_a_home_of_its_own(sandbox: Sandbox) -> None:
    said = sandbox.shell("id -un; id -u; id -g; echo $HOME; touch ~/mine; rm ~/mine; pwd")

    assert said.split() == ["node", "1000", "1000", "/home/node", REPOSITORY]


def test_the_user_can_not_become_root(sandbox: Sandbox) -> None:
    assert not sandbox.succeeds("sudo", "-n", "true")
    assert not sandbox.succeeds("sh", "-c", "echo >> /etc/passwd")


def test_no_file_runs_as_another_user(sandbox: Sandbox) -> None:
    found = sandbox.engine.create_container(
        sandbox.image, ["/", "-xdev", "-perm", "/6000"], user="0", entrypoint="find", labels=LABELS
    )
    try:
        sandbox.engine.start(found["Id"])
        sandbox.engine.wait(found["Id"], timeout=120)
        assert sandbox.engine.logs(found["Id"]) == b""
    finally:
        sandbox.engine.remove_container(found["Id"], force=True)


def test_every_package_is_recorded(sandbox: Sandbox) -> None:
    recorded = json.loads(sandbox.output("cat", "/opt/os2/state/packages.json"))
    installed = sandbox.output("dpkg-query", "-W", "-f", "${Package}=${Version}\\n").split()

    assert recorded["os"]["id"] in ("debian", "ubuntu")
    assert [f"{p['name']}={p['version']}" for p in recorded["debian"]] == installed
    names = {package["name"] for package in recorded["npm"]}
    assert {"npm", "pnpm", "tsx", "esbuild"} <= names
    assert any(name.startswith("@anthropic-ai/claude-code") for name in names)


def test_no_program_of_npm_was_installed_by_a_script(sandbox: Sandbox) -> None:
    """The packages that came with a lock file's hashes are as they were published."""
    lock = sandbox.output("cat", "/usr/local/lib/os2-tools/pnpm-lock.yaml")

    assert lock.count("integrity: sha512-") == lock.count("resolution: {")
    assert "http" not in lock


def test_commits_carry_the_bot_s_identity(sandbox: Sandbox) -> None:
    sandbox.shell("git init -q /tmp/a; git -C /tmp/a commit -q --allow-empty -m first")

    said = sandbox.output("git", "-C", "/tmp/a", "log", "--format=%an|%ae|%cn|%ce|%D")

    email = "233973017+iterate[bot]@users.noreply.github.com"
    assert said == f"iterate|{email}|iterate|{email}|HEAD -> main"


def test_node_trusts_the_system_s_authorities(sandbox: Sandbox) -> None:
    script = """
        const { getCACertificates } = require("node:tls");
        const trusted = new Set(getCACertificates("default"));
        const system = getCACertificates("system");
        console.log(system.length > 0 && system.every((one) => trusted.has(one)));
    """

    assert sandbox.output("node", "-e", script) == "true"
    environment = sandbox.shell(
        f"tr '\\0' '\\n' < /proc/{sandbox.pid('example-service-a')}/environ"
    )
    assert "NODE_USE_SYSTEM_CA=1" in environment.splitlines()


def test_tools_do_not_update_themselves(sandbox: Sandbox) -> None:
    environment = sandbox.output("env").splitlines()

    assert {"DISABLE_AUTOUPDATER=1", "OPENCODE_DISABLE_AUTOUPDATE=1"} <= set(environment)


def test_no_credential_is_part_of_the_image(sandbox: Sandbox) -> None:
    found = sandbox.engine.inspect_image(sandbox.image)

    names = {variable.partition("=")[0] for variable in found["Config"]["Env"]}
    assert not [name for name in names if re.search("TOKEN|KEY|SECRET|PASSWORD", name)]
    assert not sandbox.has("/home/node/.npmrc")
    assert not sandbox.has("/home/node/.git-credentials")


def test_only_the_daemon_s_port_is_reachable_and_only_on_its_address(
    sandbox: Sandbox,
) -> None:
    sandbox.wait_until_ready("example-service-a", "example-service-b-depends-on-a")
    found = sandbox.inspect()
    sockets = sandbox.shell("cat /proc/net/tcp /proc/net/tcp6").splitlines()
    listening = {line.split()[1] for line in sockets if line.split()[3] == "0A"}

    assert found["Mounts"] == []
    assert found["NetworkSettings"]["Ports"] == {
        "3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(sandbox.port)}]
    }
    assert {address for address in listening if not address.startswith("0100007F")} == {
        f"00000000:{3000:04X}"
    }
    assert {f"0100007F:{3001:04X}", f"0100007F:{3002:04X}"} <= listening


def test_the_repository_of_the_build_is_there_and_belongs_to_the_user(sandbox: Sandbox) -> None:
    assert sandbox.output("stat", "-c", "%U", REPOSITORY, f"{REPOSITORY}/sandbox") == "node\nnode"
    assert sandbox.lines("entry: repository:")[0].startswith(
        f"entry: repository: the one in {REPOSITORY}"
    )


def test_the_test_s_label_is_the_only_foreign_one(sandbox: Sandbox) -> None:
    labels = sandbox.inspect()["Config"]["Labels"]

    assert not [
        name for name in labels if not name.startswith(("dev.os2.", "org.opencontainers.", *LABELS))
    ]
