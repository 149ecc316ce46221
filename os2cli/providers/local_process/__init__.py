"""Machines whose services run directly on this host, under supervisor and without isolation."""

from os2cli.core.models import MachineType

LOCAL_PROCESS = MachineType("local-process")
