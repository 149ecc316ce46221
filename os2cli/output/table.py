"""How rows are laid out under a heading."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = "  "


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    dispensable: Sequence[str] = (),
    width: int | None = None,
) -> list[str]:
    """Return the lines of a table, the heading first.

    Where they are wider than ``width``, the ``dispensable`` columns are left out, the first named
    first; None: there is no limit.
    """
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    shown = list(range(len(columns)))
    for name in dispensable:
        needed = sum(widths[i] for i in shown) + len(_GAP) * (len(shown) - 1)
        if width is None or needed <= width:
            break
        if name in columns:
            shown.remove(columns.index(name))
    return [_GAP.join(row[i].ljust(widths[i]) for i in shown).rstrip() for row in (columns, *rows)]
