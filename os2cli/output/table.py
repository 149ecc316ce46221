"""The layout of tables."""

from __future__ import annotations

from collections.abc import Sequence

from os2cli.core.plain_text import plain_line

_GAP = "  "


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    dispensable: Sequence[str] = (),
    width: int | None = None,
) -> list[str]:
    """Return the lines of a table, the heading first.

    If they are wider than ``width``, leave out ``dispensable`` columns, the first named first.

    A cell is one line, so that no text in it forges a row.
    """
    rows = [[plain_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    shown = list(range(len(columns)))
    for name in dispensable:
        needed = sum(widths[i] for i in shown) + len(_GAP) * (len(shown) - 1)
        if width is None or needed <= width:
            break
        if name in columns:
            shown.remove(columns.index(name))
    return [_GAP.join(row[i].ljust(widths[i]) for i in shown).rstrip() for row in (columns, *rows)]
