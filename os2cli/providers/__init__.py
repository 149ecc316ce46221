"""The places where machines run, each behind the Protocols of ``os2cli.machines.provider``."""
