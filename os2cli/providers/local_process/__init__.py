"""Machines whose services run on this host as they are, under supervisor and without isolation."""

from os2cli.core.models import MachineType

LOCAL_PROCESS = MachineType("local-process")
