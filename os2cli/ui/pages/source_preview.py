"""What a machine would be made from now, and why that."""

from __future__ import annotations

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
    """``tone`` is good, notice or problem; ``why`` says why it is this one."""

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
    """The image, the snapshot or the host that machines of a type are made from."""
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
                hint="choose another type for what you would not run as yourself",
            )


def _image(session: Session, named: str | None) -> SourceStatus:
    builder = session.providers.builder()
    if named is not None:
        image = builder.find(named)
        if image is None:
            why = "there is no image of that name on the engine"
            hint = f"build it: os2 snapshot local-docker --tag {named}"
            return SourceStatus(named, "problem", "not there", why, hint=hint)
        return SourceStatus(named, "good", "used as it is", "you named it", image.created)
    request = build_request(session, locate_source(session))
    status = image_status(builder, request)
    created = status.image.created if status.image else None
    reference = request.tag
    match status.freshness:
        case Freshness.FRESH:
            return SourceStatus(
                reference, "good", "up to date", "built from this tree as it is now", created
            )
        case Freshness.STALE:
            return SourceStatus(
                reference,
                "notice",
                "older than this tree",
                "files, the Dockerfile or its base changed since it was built",
                created,
                "tick “Build first” to bring it up to date",
            )
        case Freshness.MISSING:
            return SourceStatus(
                reference,
                "notice",
                "built first",
                f"it is not on the engine yet; it will be built from {request.root}",
                hint="the first build takes minutes, the next ones seconds",
            )
        case Freshness.FOREIGN:
            return SourceStatus(
                reference, "good", "used as it is", "somebody else built it", created
            )
        case Freshness.UNKNOWN:
            return SourceStatus(
                reference, "notice", "perhaps not up to date", status.reason or "", created
            )


def _snapshot(
    session: Session, stage: str | None, named: str | None, *, use_cache: bool
) -> SourceStatus:
    store = session.providers.snapshots()
    if named is not None:
        found = store.get(named)
        return SourceStatus(found.name, "good", found.state.value, "you named it", found.created)
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
            why = "the newest of the stage; it was put away because nobody used it"
            return SourceStatus(inactive.name, "notice", "activated first", why, inactive.created,
                        stage=chosen.name, candidates=candidates)  # fmt: skip
        failure = no_active_snapshot_error(resolution)
        assert isinstance(failure, NotFound)  # noqa: S101 - what it is
        return SourceStatus("no snapshot", "problem", "nothing to make it from", failure.message,
                    hint=failure.hint, stage=chosen.name, candidates=candidates)  # fmt: skip
    why = f"the newest active snapshot of stage {chosen.name} (from {chosen.origin})"
    created = resolution.snapshot.created if resolution.snapshot else None
    return SourceStatus(resolution.name, "good", "active", why, created, stage=chosen.name,
                candidates=candidates, cached=resolution.cached)  # fmt: skip
