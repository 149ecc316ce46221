"""What one invocation was asked globally: the flags that every command takes, anywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Invocation:
    """The global flags, filled in while the command line is parsed."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_input: bool = False
