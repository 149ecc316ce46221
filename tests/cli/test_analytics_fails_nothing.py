"""Analytics change no exit code and no output, in any environment and with any state on disk.

Each command runs twice in the same surroundings, with analytics on and off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.cli.scenes import IN_THIS_PROCESS, SCENES, Scene, Stage, World
from tests.command import Os2
from tests.surroundings import ADDRESSES, NOT_UTF8, ON, SURROUNDINGS, VALUES, Surroundings
from tests.ui_site import Visitor, serving

pytestmark = IN_THIS_PROCESS

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
    return observed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_gives_the_same_result(name: str, theatre: Stage) -> None:
    scene, at = SCENES[name], COMMANDS.index(name)
    for here in SURROUNDINGS[at :: 2 * len(COMMANDS)]:
        on = result(theatre, scene, here)
        assert on == result(theatre, scene, here, OS2_TELEMETRY="0"), here.name


PAGE = (
    *({"VITE_POSTHOG_PROXY_URI": value} for value in VALUES["VITE_POSTHOG_PROXY_URI"][::5]),
    *({"POSTHOG_HOST": value} for value in ADDRESSES[::5]),
    dict.fromkeys(("VITE_POSTHOG_PUBLIC_KEY", "OS2_EMAIL", "VITE_APP_STAGE"), NOT_UTF8),
    {"OS2_ORGANIZATION": NOT_UTF8, "OS2_PROJECT": NOT_UTF8},
    {"XDG_STATE_HOME": "/proc/x"},
    {"SSL_CERT_FILE": "/nowhere"},
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
