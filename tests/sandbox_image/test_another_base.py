"""The same Dockerfile on a base that is shaped like the official Node.js image."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from os2cli.providers.local_docker.engine.builder_kind import has_buildkit
from tests.engine import engine_endpoint, sandbox_image
from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import LABELS, REPOSITORY, archive
from tests.sandbox_image.test_dependencies import NEIGHBOUR

pytestmark = pytest.mark.engine

SANDBOX = Path(__file__).parents[2] / "sandbox"
# Unlike any release, to identify this Node.js.
BASE_S_TIME = "2001-02-03 04:05:06"
# Node.js and npm in /usr/local, and a user `node` with uid 1000, as in `node:24-bookworm-slim`.
BASE = f"""\
FROM {{machine}} AS machine
FROM {{base}}
COPY --from=machine /usr/local/bin/node /usr/local/bin/node
COPY --from=machine /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN cd /usr/local/bin \\
    && ln -sf node nodejs \\
    && ln -sf ../lib/node_modules/npm/bin/npm-cli.js npm \\
    && ln -sf ../lib/node_modules/npm/bin/npx-cli.js npx \\
    && touch -d '{BASE_S_TIME}' node \\
    && (id node >/dev/null 2>&1 || useradd --uid 1000 --create-home --shell /bin/bash node)
ENV NODE_VERSION=24.0.0
CMD ["node"]
"""


def build(client: docker.APIClient, tag: str, context: bytes, **settings: object) -> None:
    """Build an image; its layers stay in the engine's cache."""
    answers = list(
        client.build(
            fileobj=context,  # type: ignore[arg-type]  # requests takes bytes as well
            custom_context=True,
            tag=tag,
            labels=LABELS,
            decode=True,
            rm=True,
            forcerm=True,
            timeout=None,
            **settings,  # type: ignore[arg-type]
        )
    )
    assert [answer for answer in answers if "error" in answer] == []


def sandbox_sources() -> Mapping[str, str]:
    """Return the files that the Dockerfile copies from a checkout of this project."""
    paths = [path for path in SANDBOX.rglob("*") if path.is_file()]
    names = [path.relative_to(SANDBOX.parent) for path in paths]
    return {
        str(name): path.read_text()
        for name, path in zip(names, paths, strict=True)
        if not {"node_modules", "test"} & set(name.parts)
    }


@pytest.fixture
def image(engine: docker.APIClient, clean_environment: None) -> Iterator[str]:
    """The sandbox image on this base, with a repository that has dependencies."""
    client = docker.APIClient(base_url=engine_endpoint().url, version="auto")
    if has_buildkit(client):
        client.params = {"version": "2"}
    tag = f"os2-test-{uuid.uuid4().hex[:8]}"
    machine = engine.inspect_image(sandbox_image())
    base = engine.inspect_image(machine["Config"]["Labels"]["dev.os2.base"])
    # BuildKit takes only names.
    engine.tag(base["Id"], tag, "plain")
    try:
        dockerfile = BASE.format(machine=sandbox_image(), base=f"{tag}:plain")
        build(client, f"{tag}:base", archive({"Dockerfile": dockerfile}))
        build(
            client,
            f"{tag}:machine",
            archive({**sandbox_sources(), **NEIGHBOUR}),
            dockerfile="sandbox/Dockerfile",
            buildargs={"BASE_IMAGE": f"{tag}:base"},
        )
        yield f"{tag}:machine"
    finally:
        client.close()
        for image in engine.images(tag):
            for name in image["RepoTags"]:
                if name.startswith(f"{tag}:"):
                    engine.remove_image(name, force=True)


def test_a_machine_has_the_node_of_the_base(image: str, run_sandbox: RunSandbox) -> None:
    sandbox = run_sandbox(image=image)
    sandbox.wait_until_ready("iterate-server", "example-service-b-depends-on-a")

    services = sandbox.json("/api/services")["services"]
    assert {(service["state"], service["health"]) for service in services} == {("ready", "ok")}
    for tool in ("node", "npm", "pnpm", "tsx", "claude", "opencode"):
        sandbox.output(tool, "--version")
    assert sandbox.output("id", "-un") == "node"
    # The base's Node.js is used; no other was installed.
    found = sandbox.shell("find / -xdev -type f -name node -size +10M 2>/dev/null || true")
    assert found.split() == ["/usr/local/bin/node"]
    changed = sandbox.output("stat", "-c", "%y", "/usr/local/bin/node")
    assert changed.startswith(BASE_S_TIME)
    # The start does not reinstall what the build installed.
    assert sandbox.lines("entry: dependencies:")[0].startswith("entry: dependencies: up to date (")
    assert sandbox.has(f"{REPOSITORY}/node_modules/neighbour")
    stopped = sandbox.stop()
    assert stopped.code == 0
    assert stopped.seconds < 5
