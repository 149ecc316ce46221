"""PostHog in the page, given a key and consent: its proxy and its script."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from os2cli.analytics.browser import BrowserAnalytics, assets_host
from os2cli.ui.extensions import Extension, PageHead
from os2cli.ui.ingest.address import ProxyAddress, proxy_address
from os2cli.ui.ingest.proxy import IngestProxy
from os2cli.ui.ingest.upstreams import Upstreams
from os2cli.ui.page_context import PageContext

META = "os2-analytics"
SCRIPT = "/static/analytics.js"
# So that the proxy's own limit applies first, with its own message.
_SLACK_BYTES = 1024 * 1024


def analytics_extension(context: PageContext, own_routes: Sequence[BaseRoute]) -> Extension | None:
    """Create the extension; None without a key, or with settings that it can't work with."""
    with suppress(Exception):
        return _extension(context, own_routes)
    return None


def _extension(context: PageContext, own_routes: Sequence[BaseRoute]) -> Extension | None:
    parameters = context.session().analytics.parameters
    if parameters.public_key is None:
        return None
    paths = [path for path in (getattr(route, "path", "") for route in own_routes) if path]
    address = proxy_address(parameters.proxy_uri, {path.split("/")[1] for path in paths})
    page = _Page(context, address, sorted(set(paths)))
    if address.origin is not None:
        return Extension(head=page.head)
    proxy = IngestProxy(Upstreams(parameters.host, assets_host(parameters.host)))
    return Extension(
        routes=[Mount(address.base, app=_Allowed(proxy, page))],
        head=page.head,
        body_limits={f"{address.base}/": proxy.limits.request_bytes + _SLACK_BYTES},
        close=proxy.aclose,
    )


@dataclass(frozen=True)
class _Page:
    """The page head, built from the current settings."""

    context: PageContext
    address: ProxyAddress
    paths: Sequence[str]

    def analytics(self) -> BrowserAnalytics | None:
        """Return the settings for the browser; None if nothing is collected."""
        # An invalid setting is reported where it is needed.
        with suppress(Exception):
            return self.context.session().analytics.browser()
        return None

    def head(self) -> PageHead:
        """Return the settings of PostHog's script, and our script that loads it from here."""
        analytics = self.analytics()
        if analytics is None:
            return PageHead()
        origin = self.address.origin
        allowed = {"connect-src": origin} if origin else {}
        return PageHead({META: self._settings(analytics)}, [SCRIPT], allowed)

    def _settings(self, analytics: BrowserAnalytics) -> dict[str, object]:
        groups = {"organization": analytics.organization, "project": analytics.project}
        return {
            "key": analytics.public_key,
            "api_host": self.address.base,
            "ui_host": analytics.host.replace(".i.posthog.com", ".posthog.com"),
            "distinct_id": analytics.distinct_id,
            "email": analytics.email,
            "groups": {type_: key for type_, key in groups.items() if key},
            "environment": analytics.environment,
            # Pages are reported by route, so that names stay here.
            "routes": self.paths,
        }


@dataclass(frozen=True)
class _Allowed:
    """The proxy with a consent check per request, since open pages keep sending."""

    proxy: IngestProxy
    page: _Page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request if consent still holds."""
        if await run_in_threadpool(self.page.analytics) is not None:
            await self.proxy(scope, receive, send)
        else:
            refusal = PlainTextResponse("analytics are off\n", 403)
            await refusal(scope, receive, send)
