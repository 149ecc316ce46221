"""PostHog in the page, when there is a key and nobody has said no: its proxy, and its script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from os2cli.analytics.browser import BrowserAnalytics, assets_host
from os2cli.core.errors import Os2Error
from os2cli.ui.extensions import Extension, PageHead
from os2cli.ui.ingest.address import ProxyAddress, proxy_address
from os2cli.ui.ingest.proxy import IngestProxy
from os2cli.ui.ingest.upstreams import Upstreams
from os2cli.ui.page_context import PageContext

META = "os2-analytics"
SCRIPT = "/static/analytics.js"
# The proxy's own limit comes first, and says so in its own words.
_SLACK_BYTES = 1024 * 1024


def analytics_extension(context: PageContext, own_routes: Sequence[BaseRoute]) -> Extension | None:
    """What the page gets; None without a key.

    Raises:
        UsageError: the proxy's address is none.
    """
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
    """What a page is told, as the settings are now."""

    context: PageContext
    address: ProxyAddress
    paths: Sequence[str]

    def analytics(self) -> BrowserAnalytics | None:
        """Who it is, None: nothing is collected."""
        try:
            return self.context.session().analytics.browser()
        except Os2Error:
            # A setting that is wrong is told where something needs it.
            return None

    def head(self) -> PageHead:
        """The settings of PostHog's script, and what starts it."""
        found = self.analytics()
        if found is None:
            return PageHead()
        origin = self.address.origin
        allowed = {"script-src": origin, "connect-src": origin} if origin else {}
        return PageHead({META: self._told(found)}, [SCRIPT], allowed)

    def _told(self, found: BrowserAnalytics) -> dict[str, object]:
        groups = {"organization": found.organization, "project": found.project}
        return {
            "key": found.public_key,
            "api_host": self.address.base,
            "ui_host": found.host.replace(".i.posthog.com", ".posthog.com"),
            "distinct_id": found.distinct_id,
            "email": found.email,
            "groups": {type_: key for type_, key in groups.items() if key},
            "environment": found.environment,
            # A page is told apart by its kind: names stay here.
            "routes": self.paths,
        }


@dataclass(frozen=True)
class _Allowed:
    """The proxy while something may be collected: a page that is open keeps sending."""

    proxy: IngestProxy
    page: _Page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless somebody has said no since."""
        if await run_in_threadpool(self.page.analytics) is not None:
            await self.proxy(scope, receive, send)
        else:
            refusal = PlainTextResponse("analytics are off\n", 403)
            await refusal(scope, receive, send)
