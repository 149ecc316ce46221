"""What a browser may do with an answer of ours: its headers, the Content-Security-Policy first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Not `no-referrer`: with that a form's POST has the Origin "null", which is nobody's.
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
    """Sources beyond our own that a page may use, by directive; a page adds what it needs."""

    more: Mapping[str, str] | None = None

    def with_sources(self, sources: Mapping[str, str]) -> ContentPolicy:
        """The same with these, too."""
        more = dict(self.more or {})
        for directive, added in sources.items():
            more[directive] = f"{more.get(directive, '')} {added}".strip()
        return ContentPolicy(more)

    def __str__(self) -> str:
        directives = {
            "default-src": "'none'",
            "script-src": "'self'",
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
    """The headers of every answer."""
    return {"Content-Security-Policy": str(policy or ContentPolicy()), **_ALWAYS}
