"""Snapshots: published, listed and followed."""
