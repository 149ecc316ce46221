"""Machines as containers on a Docker engine."""
