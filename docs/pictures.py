"""`nox -s pictures`: makes the README's pictures from real runs.

The terminal picture is what a terminal of 80 columns shows at the end of the commands; the page is
what Chromium paints. Needs an engine and Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 80, 40
MACHINE = "dev"
THEME = TerminalTheme(
    (17, 19, 24),
    (214, 219, 230),
    [(40, 44, 52), (240, 113, 120), (126, 211, 133), (230, 192, 104), (110, 168, 254),
     (198, 146, 233), (102, 204, 204), (214, 219, 230)],
    [(110, 118, 135), (255, 138, 145), (152, 229, 160), (250, 214, 132), (143, 190, 255),
     (216, 172, 245), (136, 224, 224), (255, 255, 255)],
)  # fmt: skip


def run_in_terminal(commands: list[str]) -> pyte.Screen:
    """Type commands into a shell on a terminal and return what it shows at the end."""
    screen = pyte.HistoryScreen(COLUMNS, ROWS, ratio=0.5)
    stream = pyte.ByteStream(screen)
    env = {"PATH": f"{ROOT / 'bin'}:/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home())}
    env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    for command in commands:
        stream.feed(f"\x1b[2m$\x1b[0m \x1b[1m{command}\x1b[0m\r\n".encode())
        child = pexpect.spawn(
            "sh", ["-c", command], cwd=str(ROOT), env=env, dimensions=(ROWS, COLUMNS), timeout=900
        )
        child.expect(pexpect.EOF)
        stream.feed(child.before)
    return screen


def lines(screen: pyte.Screen) -> Iterator[Text]:
    """The screen as styled text, without the empty rows below."""
    rows = [row.rstrip() for row in screen.display]
    for y in range(len("\n".join(rows).rstrip().split("\n"))):
        text = Text()
        for x in range(COLUMNS):
            char = screen.buffer[y][x]
            colour = None if char.fg == "default" else char.fg
            # pyte says "brown" where everybody else says yellow.
            colour = {"brown": "yellow"}.get(colour or "", colour)
            if colour and re.fullmatch("[0-9a-f]{6}", colour):
                colour = f"#{colour}"
            text.append(char.data, Style(color=colour, bold=char.bold))
        text.rstrip()
        yield text


def save_terminal(name: str, title: str, commands: list[str]) -> None:
    """Run the commands and save the terminal as an SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in lines(run_in_terminal(commands)):
        console.print(line, soft_wrap=True)
    svg = console.export_svg(title=title, theme=THEME, unique_id="os2")
    svg = re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL)
    (PICTURES / f"{name}.svg").write_text(svg)


def save_page(name: str, url: str, width: int, height: int) -> None:
    """Save a screenshot of a page."""
    chromium = shutil.which("chromium") or sys.exit("chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", f"--user-data-dir={profile}", "--virtual-time-budget=4000",
                f"--window-size={width},{height}", f"--screenshot={PICTURES / f'{name}.png'}", url,
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip


def main() -> None:
    """Make all pictures; the machine that they show is removed again."""
    PICTURES.mkdir(exist_ok=True)
    subprocess.run([ROOT / "bin/os2", "machine", "rm", "--force", "-q", MACHINE], check=True)
    save_terminal("up", "os2", ["os2 up", "os2 machine list", "os2 doctor"])
    shown = subprocess.run(
        [ROOT / "bin/os2", "machine", "show", MACHINE, "--json"], check=True, capture_output=True
    )
    save_page("machine", json.loads(shown.stdout)["url"], 1280, 800)
    subprocess.run([ROOT / "bin/os2", "machine", "rm", "-q", MACHINE], check=True)


if __name__ == "__main__":
    main()
