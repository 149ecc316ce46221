"""Machines as sandboxes."""
