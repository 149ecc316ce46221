"""The source that a new machine would be created from, and why."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

from os2cli.app.builds import build_request, locate_source
from os2cli.app.session import Session
from os2cli.core.errors import NotFound
from os2cli.providers.entry import Material, ProviderEntry
from os2cli.snapshots.images import Freshness, image_status
from os2cli.snapshots.resolution import Candidate, no_active_snapshot_error, resolve_cached

MAX_CANDIDATES = 8


@dataclass(frozen=True)
class SourceStatus:
    """A source and its state; ``tone`` is good, notice or problem."""

    name: str
    tone: str
    state: str
    why: str
    created: datetime | None = None
    hint: str | None = None
    stage: str | None = None
    candidates: tuple[Candidate, ...] = ()
    cached: bool = False


def source_status(
    session: Session,
    entry: ProviderEntry,
    stage: str | None,
    named: str | None,
    *,
    use_cache: bool,
) -> SourceStatus:
    """Return the image, snapshot or host that machines of a type are created from."""
    match entry.material:
        case Material.LOCAL_IMAGE:
            return _image(session, named)
        case Material.PUBLISHED_SNAPSHOT:
            return _snapshot(session, stage, named, use_cache=use_cache)
        case Material.THIS_HOST:
            return SourceStatus(
                "this host",
                "notice",
                "no isolation",
                entry.warning or "",
                hint="choose another type to run untrusted code",
            )


def _image(session: Session, named: str | None) -> SourceStatus:
    builder = session.providers.builder()
    if named is not None:
        image = builder.find(named)
        if image is None:
            why = "the engine has no image with this name"
            hint = f"to build it: os2 snapshot local-docker --tag {shlex.quote(named)}"
            return SourceStatus(named, "problem", "not found", why, hint=hint)
        return SourceStatus(named, "good", "used as is", "specified by name", image.created)
    request = build_request(session, locate_source(session))
    status = image_status(builder, request)
    created = status.image.created if status.image else None
    reference = request.tag
    match status.freshness:
        case Freshness.FRESH:
            return SourceStatus(
                reference, "good", "up to date", "matches this working tree", created
            )
        case Freshness.STALE:
            return SourceStatus(
                reference,
                "notice",
                "out of date",
                "files, the Dockerfile or its base image changed since the build",
                created,
                "to update it, tick “Rebuild the image first”",
            )
        case Freshness.MISSING:
            return SourceStatus(
                reference,
                "notice",
                "will be built",
                f"not on the engine yet; will be built from {request.root}",
                hint="the first build takes minutes, later ones seconds",
            )
        case Freshness.FOREIGN:
            return SourceStatus(
                reference,
                "problem",
                "not used",
                status.reason or "",
                created,
                f"to use it, enter its name; to replace it: "
                f"os2 snapshot local-docker --tag {reference}",
            )
        case Freshness.UNKNOWN:
            return SourceStatus(
                reference, "notice", "may be out of date", status.reason or "", created
            )


def _snapshot(
    session: Session, stage: str | None, named: str | None, *, use_cache: bool
) -> SourceStatus:
    store = session.providers.snapshots()
    if named is not None:
        snapshot = store.get(named)
        why = "specified by name"
        return SourceStatus(snapshot.name, "good", snapshot.state.value, why, snapshot.created)
    chosen = session.remote_stage(stage, changing=False)
    resolution = resolve_cached(
        store,
        chosen,
        session.snapshot_cache,
        session.settings.daytona.fingerprint,
        use_cache=use_cache,
    )
    candidates = resolution.candidates[:MAX_CANDIDATES]
    if resolution.name is None:
        inactive = resolution.newest_inactive
        if inactive is not None:
            why = "newest of the stage; deactivated because it was unused"
            return SourceStatus(inactive.name, "notice", "will be activated", why, inactive.created,
                        stage=chosen.name, candidates=candidates)  # fmt: skip
        failure = no_active_snapshot_error(resolution)
        assert isinstance(failure, NotFound)  # noqa: S101 - what the function returns
        return SourceStatus("no snapshot", "problem", "not found", failure.message,
                    hint=failure.hint, stage=chosen.name, candidates=candidates)  # fmt: skip
    why = f"newest active snapshot of stage {chosen.name} (from {chosen.origin})"
    created = resolution.snapshot.created if resolution.snapshot else None
    return SourceStatus(resolution.name, "good", "active", why, created, stage=chosen.name,
                candidates=candidates, cached=resolution.cached)  # fmt: skip
