"""The tables of ``machine list --watch`` and ``machine stats --watch`` in a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from rich.live import Live
from rich.text import Text

from os2cli.core.plain_text import plain_line
from os2cli.machines.fleet import Listing
from os2cli.output import Output
from os2cli.output.table import table_lines
from os2cli.output.views.machines import DEFAULT_COLUMNS, DISPENSABLE, machine_table


def redraw(
    output: Output,
    listing: Listing,
    look: Callable[[], Listing],
    columns: Sequence[str],
    seconds: float,
) -> NoReturn:
    """Show one table, updated every ``seconds`` until a signal ends the command."""
    with Live(console=output.console(), auto_refresh=False, transient=False) as live:
        while True:
            headings, rows = machine_table(listing.machines, columns)
            leave_out = DISPENSABLE if columns == DEFAULT_COLUMNS else ()
            text = Text(
                "\n".join(table_lines(headings, rows, dispensable=leave_out, width=output.width))
            )
            if not listing.machines:
                text = Text("no machines", style="dim")
            for type_, error in listing.failures.items():
                text.append(
                    f"\nthe machines on {type_} are not known: {plain_line(error.message)}",
                    "yellow",
                )
            text.append(f"\nevery {seconds:g} s until Ctrl-C", "dim")
            live.update(text, refresh=True)
            time.sleep(seconds)
            listing = look()


def redraw_lines(
    output: Output, look: Callable[[], tuple[Sequence[str], Sequence[str]]], seconds: float
) -> NoReturn:
    """Show the lines that ``look`` returns, and its problems, updated every ``seconds``."""
    with Live(console=output.console(), auto_refresh=False, transient=False) as live:
        while True:
            lines, problems = look()
            text = Text("\n".join(lines))
            text.append("".join(f"\n{problem}" for problem in problems), "yellow")
            text.append(f"\nevery {seconds:g} s until Ctrl-C", "dim")
            live.update(text, refresh=True)
            time.sleep(seconds)
