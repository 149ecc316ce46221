"""The only writer to the terminal: results on stdout, everything else on stderr."""

from os2cli.output.output import Output

__all__ = ["Output"]
