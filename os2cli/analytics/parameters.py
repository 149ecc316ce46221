"""What the settings say about analytics."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import UsageError
from os2cli.core.stage import resolve_stage
from os2cli.host.web import is_bare, web_address
from os2cli.settings.settings import Settings

DEFAULT_HOST = "https://eu.i.posthog.com"
DEFAULT_PROXY_URI = "/ingest"
_MAX_ENVIRONMENT_LENGTH = 63
# A person copies the address from the browser; events are taken elsewhere.
_INGESTION = {
    "https://eu.posthog.com": DEFAULT_HOST,
    "https://us.posthog.com": "https://us.i.posthog.com",
    "https://app.posthog.com": "https://us.i.posthog.com",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Where events go, as whose, and what the environment says for and against it.

    ``environment`` is the ``$environment`` of every event; ``folder`` is where all state is kept.
    """

    key: str | None = field(repr=False)
    host: str
    public_key: str | None
    proxy_uri: str
    environment: str
    organization: str | None
    project: str | None
    email: str | None
    do_not_track: str | None
    telemetry: str | None
    ci: bool
    progress: str
    folder: Path
    daytona: DaytonaAccess

    @classmethod
    def of(cls, settings: Settings) -> Parameters:
        """Those of an invocation."""
        given = {name: text.strip() for name, text in settings.analytics.items()}
        values = settings.values
        host = (given.get("POSTHOG_HOST") or DEFAULT_HOST).rstrip("/")
        return cls(
            key=given.get("POSTHOG_KEY") or None,
            host=_INGESTION.get(host, host),
            public_key=given.get("VITE_POSTHOG_PUBLIC_KEY") or None,
            proxy_uri=_path(given.get("VITE_POSTHOG_PROXY_URI", "")) or DEFAULT_PROXY_URI,
            environment=_environment(settings, given.get("VITE_APP_STAGE")),
            organization=values.get("organization") or settings.daytona.organization,
            project=values.get("project"),
            email=values.get("email"),
            do_not_track=given.get("DO_NOT_TRACK"),
            telemetry=given.get("OS2_TELEMETRY"),
            ci=bool(settings.variables.get("CI")),
            progress=settings.variables.get("OS2_PROGRESS", "auto"),
            folder=settings.state_dir / "analytics",
            daytona=settings.daytona,
        )

    @property
    def groups(self) -> dict[str, str]:
        """The groups of every event, by their type."""
        found = {"organization": self.organization, "project": self.project}
        return {type_: key for type_, key in found.items() if key}

    @property
    def target(self) -> str:
        """Tells one project on one host from any other, without naming its key."""
        return hashlib.sha256(f"{self.host}\n{self.key}".encode()).hexdigest()[:16]

    def check_host(self) -> None:
        """Raise ``UsageError`` when nothing can be sent there."""
        if not can_be_sent_to(self.host):
            raise UsageError(
                "POSTHOG_HOST is no web address",
                hint=f"set it to one such as {DEFAULT_HOST}, or leave it out",
                code="setting_invalid",
            )


def can_be_sent_to(host: str) -> bool:
    """Whether it is an address without anything but a host and a path."""
    parts = web_address(host)
    return parts is not None and is_bare(parts)


def _path(text: str) -> str:
    """A path of the page's own server, however its slashes were written; an address stays one."""
    if "://" in text:
        return text
    words = text.strip("/")
    return f"/{words}" if words else ""


def _environment(settings: Settings, app_stage: str | None) -> str:
    """The stage that os2 runs in, not one that a command was told to work on."""
    if app_stage:
        return app_stage[:_MAX_ENVIRONMENT_LENGTH]
    try:
        return resolve_stage(settings.variables).name
    except UsageError as error:
        return "dev" if error.code == "stage_missing" else "unknown"
