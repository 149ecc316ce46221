"""`nox -s pictures`: makes the README's pictures from real runs.

The terminal picture is what a terminal of 80 columns shows at the end of the commands; the page is
what Chromium paints, in a container. Needs an engine. The image is rebuilt, so that the terminal
shows the whole of the main job; `docker builder prune` before makes its times those of a first run.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from ui_pictures import ui

from tests.daytona_server import DaytonaServer, S3Storage

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 80, 40
MACHINE = "dev"
IMAGE = "iterate-sandbox:local"
BROWSER_IMAGE = "os2-test-browser:local"
BASE_IMAGE = "node:24-bookworm-slim"
ENGINE = "unix:///var/run/docker.sock"
ENVIRONMENT = {
    "PATH": f"{ROOT / 'bin'}:/usr/local/bin:/usr/bin:/bin",
    "HOME": str(Path.home()),
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    "ITERATE_USER": "jonas",
}
# What is done with a machine all day.
LIFE = [
    f"os2 machine exec {MACHINE} -- node --version",
    f"os2 machine cp README.md {MACHINE}:/tmp/",
    f"os2 machine logs {MACHINE} --tail 2",
    f"os2 machine restart {MACHINE}",
    "os2 machine create scratch --ttl 2h -q",
    "os2 machine list --columns name,state,url,expires",
    "os2 snapshot list",
    "os2 machine rm scratch",
]
THEME = TerminalTheme(
    (17, 19, 24),
    (214, 219, 230),
    [(40, 44, 52), (240, 113, 120), (126, 211, 133), (230, 192, 104), (110, 168, 254),
     (198, 146, 233), (102, 204, 204), (214, 219, 230)],
    [(110, 118, 135), (255, 138, 145), (152, 229, 160), (250, 214, 132), (143, 190, 255),
     (216, 172, 245), (136, 224, 224), (255, 255, 255)],
)  # fmt: skip


def run_in_terminal(commands: list[str], environment: Mapping[str, str]) -> pyte.Screen:
    """Type commands into a shell on a terminal and return what it shows at the end."""
    screen = pyte.HistoryScreen(COLUMNS, ROWS, ratio=0.5)
    stream = pyte.ByteStream(screen)
    for command in commands:
        stream.feed(f"\x1b[2m$\x1b[0m \x1b[1m{command}\x1b[0m\r\n".encode())
        child = pexpect.spawn(
            "sh",
            ["-c", command],
            cwd=str(ROOT),
            env=dict(environment),
            dimensions=(ROWS, COLUMNS),
            timeout=900,
        )
        child.expect(pexpect.EOF)
        stream.feed(child.before)
    return screen


def lines(screen: pyte.Screen) -> Iterator[Text]:
    """Return the screen as styled text, without the empty rows below."""
    rows = [row.rstrip() for row in screen.display]
    for y in range(len("\n".join(rows).rstrip().split("\n"))):
        text = Text()
        for x in range(COLUMNS):
            char = screen.buffer[y][x]
            colour = None if char.fg == "default" else char.fg
            # pyte says "brown" for what other terminals call yellow.
            colour = {"brown": "yellow"}.get(colour or "", colour)
            if colour and re.fullmatch("[0-9a-f]{6}", colour):
                colour = f"#{colour}"
            text.append(char.data, Style(color=colour, bold=char.bold))
        text.rstrip()
        yield text


def terminal(commands: list[str], environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """Run the commands and return the terminal as an SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in lines(run_in_terminal(commands, environment)):
        console.print(line, soft_wrap=True)
    svg = console.export_svg(title="os2", theme=THEME, unique_id="os2")
    return re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL)


def page(machine: str) -> bytes:
    """Take a machine's page in a browser next to it, once every service is ready."""
    os2("snapshot", "local-docker", f"--tag={BROWSER_IMAGE}",
        "--dockerfile=sandbox/test/browser/Dockerfile")  # fmt: skip
    beside = f"container:os2-{machine}"
    browser = docker.from_env().containers.run(
        BROWSER_IMAGE, ["picture.ts"], network_mode=beside, shm_size="512m", detach=True
    )
    try:
        browser.wait(timeout=60)
        return base64.b64decode(browser.logs(stderr=False), validate=True)
    finally:
        browser.remove(force=True)


def daytona() -> str:
    """Record the way to a machine on Daytona, played by the tests' server on this engine.

    It builds on the base of the local image under the name that the Dockerfile gives its base.
    """
    engine = docker.from_env()
    base = engine.images.get(IMAGE).labels["dev.os2.base"]
    engine.images.get(base).tag(BASE_IMAGE)
    try:
        with S3Storage() as storage, DaytonaServer(ENGINE, storage) as server:
            login = {"DAYTONA_API_URL": server.url, "DAYTONA_API_KEY": server.api_key}
            stage = {"APP_STAGE": "stg", "ITERATE_USER": ""}
            commands = [
                "os2 snapshot daytona",
                "os2 snapshot daytona",
                "os2 machine create reviews --type daytona",
                "os2 machine list",
            ]
            return terminal(commands, {**ENVIRONMENT, **login, **stage})
    finally:
        engine.images.remove(BASE_IMAGE)


def os2(*arguments: str) -> None:
    """Run this checkout's os2, as the pictures do."""
    subprocess.run([ROOT / "bin/os2", *arguments], check=True, env=ENVIRONMENT)


def main() -> None:
    """Make all pictures; the machine that they show is removed again."""
    os2("machine", "rm", "--force", "-q", MACHINE)
    with contextlib.suppress(docker.errors.ImageNotFound):
        docker.from_env().images.remove(IMAGE, force=True)
    terminals = {
        "up": terminal(["os2 up", "os2 machine list", "os2 doctor"]),
        "life": terminal(LIFE),
        "daytona": daytona(),
    }
    pictures = {"machine": page(MACHINE)}
    os2("machine", "rm", "-q", MACHINE)
    pictures |= ui(ROOT, ENVIRONMENT, IMAGE, BROWSER_IMAGE)
    # Not before: a picture that is written makes the image older than the tree.
    PICTURES.mkdir(exist_ok=True)
    for name, svg in terminals.items():
        (PICTURES / f"{name}.svg").write_text(svg)
    for name, png in pictures.items():
        (PICTURES / f"{name}.png").write_bytes(png)


if __name__ == "__main__":
    main()
