"""What ``config`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from os2cli.output import Output
from os2cli.output.documents.settings import ConfigDocument
from os2cli.settings.describe import NOT_SET, Setting, describe_settings
from os2cli.settings.settings import Settings

_GAP = "  "
HIDDEN_VALUE = "(set, not shown)"


def show_settings(output: Output, settings: Settings) -> None:
    """Show every setting with its value and origin, and where files are."""
    described = describe_settings(settings)

    def write_text() -> None:
        show_rows(
            output,
            [(s.name, shown_value(s), below_home(s.origin, settings.home)) for s in described],
        )
        output.line("")
        for name, path in paths(settings):
            output.line(f"{name:<17}{path}")

    output.result(
        ConfigDocument.of(settings, described),
        write_text,
        names=[setting.name for setting in described],
    )


def shown_value(setting: Setting) -> str:
    """Return the value to show; of a secret only whether it is set."""
    if setting.secret:
        return "-" if setting.origin == NOT_SET else HIDDEN_VALUE
    return setting.value or "-"


def paths(settings: Settings) -> list[tuple[str, str]]:
    """Return the directories and files of os2, to show."""
    all_paths = {
        "state_dir": settings.state_dir,
        "cache_dir": settings.cache_dir,
        "user_file": settings.user_file,
        "repository_file": settings.repository_file,
    }
    return [
        (name, below_home(str(path), settings.home) if path else "- (not in a repository)")
        for name, path in all_paths.items()
    ]


def below_home(path: str, home: Path) -> str:
    """Return a path with ``~`` for the home directory; any other text as it is."""
    prefix = f"{str(home).rstrip('/')}/"
    return f"~/{path.removeprefix(prefix)}" if path.startswith(prefix) else path


def show_rows(output: Output, rows: Sequence[tuple[str, str, str]]) -> None:
    """Show rows; an origin that does not fit goes on a line of its own."""
    heading = ("SETTING", "VALUE", "FROM")
    room = output.width
    names = max(len(row[0]) for row in (heading, *rows))
    values = max(len(row[1]) for row in (heading, *rows))
    if room is not None:
        # Leave room for the name of a variable; longer values get a line of their own.
        values = min(values, max(room - 2 * (names + len(_GAP)), len(HIDDEN_VALUE)))
    for number, (name, value, origin) in enumerate((heading, *rows)):
        lead = f"{name.ljust(names)}{_GAP}"
        line = f"{lead}{value.ljust(values)}{_GAP}{origin}"
        if number == 0:
            output.parts((line, "bold"))
        elif room is None or len(line) <= room:
            output.line(line)
        else:
            indent = " " * (len(lead) if len(lead) + len(origin) <= room else len(_GAP))
            output.line(f"{lead}{value}")
            output.line(f"{indent}{origin}")
