"""The settings of PostHog's script on a page of os2."""

from __future__ import annotations

import re
from dataclasses import dataclass

from os2cli.analytics.identity import current_identity
from os2cli.analytics.parameters import Parameters

_CLOUD = re.compile(r"https://(?P<region>eu|us)\.i\.posthog\.com")


@dataclass(frozen=True, slots=True)
class BrowserAnalytics:
    """The settings; ``proxy_uri`` is the path or URL that leads to ``host`` and ``assets_host``."""

    public_key: str
    proxy_uri: str
    host: str
    assets_host: str
    distinct_id: str
    email: str | None
    organization: str | None
    project: str | None
    environment: str


def browser_analytics(parameters: Parameters, public_key: str) -> BrowserAnalytics:
    """Return the settings, with the same person, groups and environment as commands use."""
    return BrowserAnalytics(
        public_key=public_key,
        proxy_uri=parameters.proxy_uri,
        host=parameters.host,
        assets_host=assets_host(parameters.host),
        distinct_id=current_identity(parameters.folder).distinct_id,
        email=parameters.email,
        organization=parameters.organization,
        project=parameters.project,
        environment=parameters.environment,
    )


def assets_host(host: str) -> str:
    """Return the host of the script itself; PostHog's cloud has a separate one."""
    cloud = _CLOUD.fullmatch(host)
    return f"https://{cloud['region']}-assets.i.posthog.com" if cloud else host
