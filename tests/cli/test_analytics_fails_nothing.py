"""Analytics change no exit code and no output, in any environment and with any state on disk.

Each command runs twice in the same surroundings, with analytics on and off.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.cli.scenes import IN_THIS_PROCESS, SCENES, Scene, Stage, World
from tests.command import Os2
from tests.surroundings import ADDRESSES, NOT_UTF8, ON, SURROUNDINGS, VALUES, Surroundings
from tests.ui_site import Visitor, serving

pytestmark = IN_THIS_PROCESS

# How often os2 looks at a program depends on the time it takes, and what it writes there on names.
LOOKS = re.compile(r"GET /toolbox/ID/")
WRITES = re.compile(r"(\w+ /toolbox/ID/\S*).*")
COMMANDS = [name for name in SCENES if not name.startswith("analytics ")]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Undo what the scenes add to the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def result(theatre: Stage, scene: Scene, here: Surroundings, **more: str) -> list[str]:
    def prepare(world: World) -> None:
        scene.prepare(world)
        # Only now, so that what came before left no event.
        os.environ.update({**here.arrange(world.folder.parent / "state"), **more})

    before = dict(os.environ)
    observed = theatre.play(Scene(scene.argv, prepare, scene.env)).settled()
    os.environ.clear()
    os.environ.update(before)
    # As the requests of an observation, those that look the same are one.
    seen = (WRITES.sub(r"\1", line) for line in observed if not LOOKS.match(line))
    return list(dict.fromkeys(seen))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_gives_the_same_result(name: str, theatre: Stage) -> None:
    scene, at = SCENES[name], COMMANDS.index(name)
    for here in SURROUNDINGS[at :: 2 * len(COMMANDS)]:
        on = result(theatre, scene, here)
        assert on == result(theatre, scene, here, OS2_TELEMETRY="0"), here.name


PAGE = (
    *({"VITE_POSTHOG_PROXY_URI": value} for value in VALUES["VITE_POSTHOG_PROXY_URI"][::5]),
    *(
        {"POSTHOG_HOST": host, **others}
        for host, others in zip(
            ADDRESSES[::5],
            (
                dict.fromkeys(("OS2_EMAIL", "VITE_APP_STAGE"), NOT_UTF8),
                {"OS2_ORGANIZATION": NOT_UTF8, "OS2_PROJECT": NOT_UTF8},
                {"XDG_STATE_HOME": "/proc/x"},
                {"VITE_POSTHOG_PUBLIC_KEY": NOT_UTF8},
            ),
            strict=True,
        )
    ),
)
# What only a connection to another host needs; without an API key, analytics alone have one.
FOR_THE_NETWORK = (
    {"SSL_CERT_FILE": "/dev/null"},
    {
        "SSL_CERT_DIR": "/nowhere",
        "HTTPS_PROXY": "nonsense://x:y",
        "NO_PROXY": "[",
        "CURL_CA_BUNDLE": "/",
    },
)


@pytest.mark.parametrize("variables", PAGE, ids=str)
def test_the_page_is_served(os2: Os2, variables: dict[str, str]) -> None:
    with serving(Os2(os2.folder, {**os2.env, **ON, **variables})) as site:
        with Visitor(site) as visitor:
            headers = {"Origin": site.origin}
            assert visitor.get("/machines").status_code == 200
            sent = visitor.post("/ingest/e/", content=b"{}", headers=headers)
            assert sent.status_code in (403, 404, 502, 504)
        assert "Traceback" not in site.end()[1]


@pytest.mark.parametrize("variables", FOR_THE_NETWORK, ids=str)
def test_a_page_with_analytics_warns_of_nothing_more(os2: Os2, variables: dict[str, str]) -> None:
    env = {**os2.env, **ON, "POSTHOG_HOST": "https://localhost:9", **variables}
    with serving(Os2(os2.folder, env)) as site:
        with Visitor(site) as visitor:
            headers = {"Origin": site.origin}
            assert visitor.post("/ingest/e/", content=b"{}", headers=headers).status_code == 502
        assert "warning" not in site.end()[1]
