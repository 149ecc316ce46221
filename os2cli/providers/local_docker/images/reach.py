"""What an engine says of a registry; without Docker's SDK, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether the registry of ``reference`` was reached: if not, ``problem`` says why.

    ``reference`` is None if the Dockerfile names no image. Not ``known``: the engine cannot tell.
    """

    reference: str | None = None
    problem: str | None = None
    known: bool = True
