"""Implementations that run machines, each behind the protocols of the rooms below."""
