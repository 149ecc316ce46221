"""Machines whose services run on this host as they are, under supervisor and without isolation."""
