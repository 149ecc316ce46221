"""os2: build a sandbox image, and create, reach and remove the machines made from it."""

__version__ = "0.1.0"
