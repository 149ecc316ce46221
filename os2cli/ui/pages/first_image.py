"""The local image is built in the background as soon as the web UI starts."""

from __future__ import annotations

from os2cli.app.builds import BuildOptions, build_request, locate_source
from os2cli.core.errors import Os2Error, Unreachable
from os2cli.snapshots.images import Freshness, image_status
from os2cli.ui.pages.builds import image_build
from os2cli.ui.pages.mutations import begin
from os2cli.ui.site import Site


def ensure_first_image(site: Site) -> str | None:
    """Start a build if the image is missing; return the problem if that is impossible.

    An existing image is kept even if it is out of date: rebuilding is the user's decision.
    """
    session = site.context.session()
    try:
        request = build_request(session, locate_source(session))
        status = image_status(session.providers.builder(), request)
    except Unreachable as error:
        return f"{error.message}; local machines are unavailable; to check: os2 doctor"
    except Os2Error as error:
        return error.message
    if status.freshness is Freshness.MISSING:
        begin(site, image_build(BuildOptions()))
    return None
