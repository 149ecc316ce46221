"""The titles of phases for people; ``--progress json`` has the ids."""

from __future__ import annotations

from types import MappingProxyType

_TITLES = MappingProxyType(
    {
        "activate": "Activating snapshot",
        "archive": "Archiving",
        "build": "Building snapshot",
        "build image": "Building image",
        "copy": "Copying",
        "create": "Creating",
        "healthy": "Waiting until healthy",
        "make the base image": "Building base image",
        "preflight": "Checking API key",
        "push image": "Pushing image",
        "read context": "Reading files",
        "remove": "Removing",
        "resolve": "Finding snapshot",
        "restart": "Restarting",
        "rm": "Removing",
        "running": "Waiting until running",
        "start": "Starting",
        "stop": "Stopping",
        "stopped": "Waiting until stopped",
        "trust the host's certificates": "Adding this host's certificates",
        "upload context": "Uploading files",
    }
)
_VERBS = MappingProxyType({"fetch packages of ": "Fetching packages of ", "pull ": "Pulling "})


def phase_title(phase: str) -> str:
    """Return the title of a phase, or the id itself if it is a title already."""
    for start, title in _VERBS.items():
        if phase.startswith(start):
            return title + phase.removeprefix(start)
    return _TITLES.get(phase, phase)
