"""Machines as containers."""
