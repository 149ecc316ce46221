"""The security headers of responses, above all the Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

# Not `no-referrer`: with that a form's POST has the Origin "null", which matches no page.
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
UNCACHED = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """A Content-Security-Policy: our own origin, plus sources by directive.

    ``scripts`` is where scripts come from: a folder of them rather than the origin, which also
    has the proxy to PostHog.
    """

    scripts: str = "'none'"

    more: Mapping[str, str] | None = None

    def with_sources(self, sources: Mapping[str, str]) -> ContentPolicy:
        """Return the policy with more sources."""
        more = dict(self.more or {})
        for directive, added in sources.items():
            more[directive] = f"{more.get(directive, '')} {added}".strip()
        return replace(self, more=more)

    def __str__(self) -> str:
        directives = {
            "default-src": "'none'",
            "script-src": self.scripts,
            "style-src": "'self'",
            "img-src": "'self' data:",
            "font-src": "'self'",
            "connect-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        for directive, sources in (self.more or {}).items():
            before = directives.get(directive, "")
            directives[directive] = f"{before} {sources}".strip()
        return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def security_headers(policy: ContentPolicy | None = None) -> dict[str, str]:
    """Return the security headers of a response."""
    return {"Content-Security-Policy": str(policy or ContentPolicy()), **_ALWAYS}
