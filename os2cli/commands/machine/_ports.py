"""The option that ``os2 machine url`` and ``os2 machine open`` share."""

from __future__ import annotations

from typing import Annotated

import typer

Port = Annotated[
    int, typer.Option("--port", "-p", min=1, max=65535, help="Port inside the machine.")
]
