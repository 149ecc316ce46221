"""What ``os2 machine url`` and ``os2 machine open`` share: a port of a machine."""

from __future__ import annotations

from typing import Annotated

import typer

Port = Annotated[
    int, typer.Option("--port", "-p", min=1, max=65535, help="A port inside of the machine.")
]
