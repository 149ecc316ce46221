"""While people look around, the local image is made ready in the background."""

from __future__ import annotations

from os2cli.app.builds import BuildOptions, build_request, locate_source
from os2cli.core.errors import Os2Error, Unreachable
from os2cli.snapshots.images import Freshness, image_status
from os2cli.ui.pages.builds import image_build
from os2cli.ui.pages.mutations import begin
from os2cli.ui.site import Site


def ensure_first_image(site: Site) -> str | None:
    """Build it when there is none; returns what to tell when that can't be.

    One that is there is used, also when the tree has moved on: that is the user's to decide.
    """
    session = site.context.session()
    try:
        request = build_request(session, locate_source(session))
        status = image_status(session.providers.builder(), request)
    except Unreachable as error:
        return f"{error.message}; machines on this host have to wait; os2 doctor looks at it"
    except Os2Error as error:
        return error.message
    if status.freshness is Freshness.MISSING:
        begin(site, image_build(BuildOptions()))
    return None
