"""BuildKit's progress as the engine's API sends it: base64 of a protobuf ``StatusResponse``."""

from __future__ import annotations

from dataclasses import dataclass

from os2cli.providers.local_docker.images.buildkit_messages import parse_status


@dataclass(frozen=True, slots=True)
class Step:
    """One vertex of the build graph, at the time of the message."""

    digest: str
    name: str
    started: bool
    completed: bool
    cached: bool
    error: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One message: the steps that changed, and output by writer.

    A writer is one of a step's two streams, whose lines come in interleaved pieces.
    """

    steps: tuple[Step, ...]
    log: tuple[tuple[str, bytes], ...]


def decode_trace(encoded: str) -> Trace:
    """Return one ``moby.buildkit.trace`` value; an empty trace if it cannot be decoded."""
    message = parse_status(encoded)
    if message is None:
        return Trace((), ())
    return Trace(
        tuple(
            Step(
                digest=vertex.digest,
                name=vertex.name,
                started=vertex.HasField("started"),
                completed=vertex.HasField("completed"),
                cached=vertex.cached,
                error=vertex.error,
            )
            for vertex in message.vertexes
        ),
        tuple((f"{entry.vertex}/{entry.stream}", entry.msg) for entry in message.logs),
    )
