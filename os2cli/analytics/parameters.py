"""The settings of analytics."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import UsageError
from os2cli.core.parsing import is_utf8
from os2cli.core.stage import resolve_stage
from os2cli.core.user_id import is_placeholder
from os2cli.host.web import is_bare, web_address
from os2cli.settings.settings import Settings

DEFAULT_HOST = "https://eu.i.posthog.com"
DEFAULT_PROXY_URI = "/ingest"
_MAX_ENVIRONMENT_LENGTH = 63
_AT = re.compile(r"\S@\S")
_MAX_ENCODINGS = 3
# People copy the URL from the browser; PostHog ingests events on another host.
_INGESTION = {
    "https://eu.posthog.com": DEFAULT_HOST,
    "https://us.posthog.com": "https://us.i.posthog.com",
    "https://app.posthog.com": "https://us.i.posthog.com",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Where events go, for whom, and what the environment says about consent.

    ``environment`` is the ``$environment`` of every event; ``folder`` holds all state.
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
        """Return the parameters of an invocation."""
        variables = {name: text.strip() for name, text in settings.analytics.items()}
        values = settings.values
        host = (variables.get("POSTHOG_HOST") or DEFAULT_HOST).rstrip("/")
        return cls(
            key=_text(variables.get("POSTHOG_KEY")),
            host=_INGESTION.get(host, host),
            public_key=_text(variables.get("VITE_POSTHOG_PUBLIC_KEY")),
            proxy_uri=_path(variables.get("VITE_POSTHOG_PROXY_URI", "")) or DEFAULT_PROXY_URI,
            environment=_environment(settings, _name(variables.get("VITE_APP_STAGE"))),
            organization=_name(values.get("organization") or settings.daytona.organization),
            project=_name(values.get("project")),
            email=_address(values.get("email")),
            do_not_track=settings.analytics.get("DO_NOT_TRACK"),
            telemetry=settings.analytics.get("OS2_TELEMETRY"),
            ci=bool(settings.variables.get("CI")),
            progress=settings.variables.get("OS2_PROGRESS", "auto"),
            folder=settings.state_dir / "analytics",
            daytona=settings.daytona,
        )

    @property
    def groups(self) -> dict[str, str]:
        """The groups of every event, by type."""
        groups = {"organization": self.organization, "project": self.project}
        return {type_: key for type_, key in groups.items() if key}

    @property
    def target(self) -> str:
        """A digest that identifies the project on its host without revealing the key."""
        return hashlib.sha256(
            f"{self.host}\n{self.key}".encode(errors="surrogateescape")
        ).hexdigest()[:16]

    def check_host(self) -> None:
        """Raise ``UsageError`` if the host is invalid."""
        if not can_be_sent_to(self.host):
            raise UsageError(
                "POSTHOG_HOST is not a web address",
                hint=f"set it to a URL like {DEFAULT_HOST}, or unset it",
                code="setting_invalid",
            )


def can_be_sent_to(host: str) -> bool:
    """Return whether the URL has only a scheme, a host and a path."""
    parts = web_address(host)
    return parts is not None and is_bare(parts)


def _text(text: str | None) -> str | None:
    """Return what can be sent: not nothing, and no bytes that are not UTF-8."""
    return text if text and is_utf8(text) else None


def _name(text: str | None) -> str | None:
    """Return what names a group or an environment: no placeholder and no address of a person."""
    text = _text(text)
    return text if text and not is_placeholder(text) and not _has_address(text) else None


def _address(text: str | None) -> str | None:
    text = _text(text)
    return text if text and _has_address(text) else None


def _has_address(text: str) -> bool:
    """Return whether an email address is in the text, also an encoded one."""
    for _ in range(_MAX_ENCODINGS):
        text = unescape(unquote(text, errors="replace"))
    return bool(_AT.search(unicodedata.normalize("NFKC", text)))


def _path(text: str) -> str:
    """Return a path with one leading slash and no trailing one; leave a URL as it is."""
    if "://" in text:
        return text
    words = text.strip("/")
    return f"/{words}" if words else ""


def _environment(settings: Settings, app_stage: str | None) -> str:
    """Return the stage that os2 runs in, not the one of a command's ``--stage``."""
    if app_stage:
        return app_stage[:_MAX_ENVIRONMENT_LENGTH]
    try:
        return resolve_stage(settings.variables).name
    except UsageError as error:
        return "dev" if error.code == "stage_missing" else "unknown"
