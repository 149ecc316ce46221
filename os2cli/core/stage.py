"""The stage: the environment of a machine or snapshot, and the setting that decided it.

Pure functions over a mapping of variables; nothing here reads the process environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from os2cli.core.errors import UsageError
from os2cli.core.user_id import is_placeholder

MAX_STAGE_LENGTH = 63
SEPARATOR = "--"

_STAGE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_DOPPLER_VARIABLES = ("DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT")
_DOPPLER_STAGES = frozenset({"dev", "stg", "prd"})


class StageKind(StrEnum):
    """The class of a stage; it decides caching and confirmations."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"
    PREVIEW = "preview"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Stage:
    """A valid stage name and the setting that it came from."""

    name: str
    origin: str
    warning: str | None = None

    @property
    def kind(self) -> StageKind:
        """The class of environment that the name stands for."""
        return classify_stage(self.name)

    @property
    def prefix(self) -> str:
        """The beginning of the names of this stage's snapshots, e.g. ``dev-jonas--``."""
        return name_prefix(self.name)


def name_prefix(stage: str) -> str:
    """Return the beginning of the names of a stage's snapshots and machines on Daytona."""
    return f"{stage}{SEPARATOR}"


def classify_stage(name: str) -> StageKind:
    """Classify a stage by its name; unknown names are ``OTHER``, not an error."""
    if name == "dev" or name.startswith(("dev-", "local-")):
        return StageKind.DEVELOPMENT
    if name == "stg":
        return StageKind.STAGING
    if name == "prd":
        return StageKind.PRODUCTION
    if name.startswith("pr-"):
        return StageKind.PREVIEW
    return StageKind.OTHER


def is_guarded_stage(name: str | None) -> bool:
    """Return whether others work with the stage, so that changes need a confirmation."""
    return name is not None and classify_stage(name) in (StageKind.STAGING, StageKind.PRODUCTION)


def validate_stage(name: str, origin: str) -> str:
    """Return ``name`` if it is a valid stage.

    Raises:
        UsageError: it is empty, too long, has characters other than ``A-Za-z0-9_-``, or runs into
            the timestamp behind it in a snapshot's name.
    """
    problem = None
    if not name:
        problem = "it is empty"
    elif not _STAGE.fullmatch(name):
        problem = "only letters, digits, '-' and '_' are allowed"
    elif len(name) > MAX_STAGE_LENGTH:
        problem = f"it has {len(name)} characters, the maximum is {MAX_STAGE_LENGTH}"
    elif SEPARATOR in name:
        problem = f"'{SEPARATOR}' separates the stage from the timestamp in a snapshot's name"
    elif name.endswith("-"):
        problem = f"it ends in '-', which runs into the '{SEPARATOR}' of a snapshot's name"
    if problem is None:
        return name
    raise UsageError(
        f"{origin}: invalid stage {name!r}: {problem}",
        hint="use a name such as dev-jonas, stg or prd",
        code="stage_invalid",
    )


def resolve_stage(
    variables: Mapping[str, str],
    *,
    explicit: str | None = None,
    publishing: bool = False,
) -> Stage:
    """Decide the stage from ``--stage`` or from the variables that the shell or Doppler set.

    ``ITERATE_USER`` means ``dev-<user>`` and wins over ``APP_STAGE``; a placeholder such as
    ``null`` counts as not set. When both are set and ``APP_STAGE`` is not a development stage, the
    two contradict each other: Doppler's own variables break the tie; without them publishing
    commands fail, and all others use the development stage with a warning.

    Raises:
        UsageError: no stage is set, it is invalid, or a publishing command meets a contradiction.
    """
    if explicit is not None:
        return _accept(explicit.strip(), "--stage")
    user = variables.get("ITERATE_USER", "").strip()
    app_stage = variables.get("APP_STAGE", "").strip()
    has_user = not is_placeholder(user)
    if has_user and app_stage and classify_stage(app_stage) is not StageKind.DEVELOPMENT:
        return _break_tie(user, app_stage, variables, publishing=publishing)
    if has_user:
        return _from_user(user)
    if app_stage:
        return _accept(app_stage, "APP_STAGE")
    raise UsageError(
        "no stage is set",
        hint="set ITERATE_USER for development or APP_STAGE for stg and prd, or pass --stage",
        code="stage_missing",
    )


def _accept(name: str, origin: str) -> Stage:
    validate_stage(name, origin)
    if classify_stage(name) is not StageKind.OTHER:
        return Stage(name, origin)
    return Stage(name, origin, f"unknown stage {name!r}: not dev, dev-*, local-*, stg, prd or pr-*")


def _from_user(user: str, origin: str = "ITERATE_USER", warning: str | None = None) -> Stage:
    validate_stage(f"dev-{user}", "ITERATE_USER")
    return Stage(f"dev-{user}", origin, warning)


def _break_tie(
    user: str, app_stage: str, variables: Mapping[str, str], *, publishing: bool
) -> Stage:
    validate_stage(app_stage, "APP_STAGE")
    doppler = {name: variables.get(name, "").strip() for name in _DOPPLER_VARIABLES}
    for variable, config in doppler.items():
        if config == "dev":
            return _from_user(user, f"ITERATE_USER, confirmed by {variable}")
        if config == app_stage and config in _DOPPLER_STAGES:
            return Stage(app_stage, f"APP_STAGE, confirmed by {variable}")
        if config in _DOPPLER_STAGES:
            break  # a third stage: the other variable must not overrule it
    contradiction = f"ITERATE_USER={user} says dev-{user}, but APP_STAGE says {app_stage}"
    if configs := ", ".join(f"{name}={config}" for name, config in doppler.items() if config):
        contradiction += f" ({configs} settles neither)"
    if publishing:
        raise UsageError(
            contradiction,
            hint=f"choose one: --stage {app_stage} or --stage dev-{user}",
            code="stage_contradiction",
        )
    return _from_user(user, warning=f"{contradiction}; using dev-{user}")
