"""The answers with which an engine reports that it made a change; no other success is believed."""

from __future__ import annotations

import re

from requests import Response

from os2cli.providers.local_docker.engine.answers import InvalidAnswer, request_line

_FIRST_REDIRECT, _UNCHANGED = 300, 304
_QUESTIONS = ("GET", "HEAD")
# The successes that the Engine API documents for each change that os2 requests; 304: it already
# was so. Podman 4 answers a resize with 201. A connection may stay HTTP: its user checks that.
_DONE: dict[str, tuple[int, ...]] = {
    r"POST /containers/create": (201,),
    r"POST /containers/[^/]+/(start|stop)": (204, 304),
    r"POST /containers/[^/]+/(unpause|rename)": (204,),
    r"POST /commit": (201,),
    r"POST /containers/[^/]+/wait": (200,),
    r"POST /containers/[^/]+/exec": (201,),
    r"PUT /containers/[^/]+/archive": (200,),
    r"DELETE /containers/[^/]+": (204,),
    r"POST /exec/[^/]+/start": (101, 200),
    r"POST /exec/[^/]+/resize": (200, 201),
    r"POST /networks/create": (201,),
    r"DELETE /networks/[^/]+": (204,),
    r"POST /images/create": (200,),
    r"POST /images/.+/push": (200,),
    r"POST /images/.+/tag": (201,),
    r"DELETE /images/.+": (200,),
    r"POST /build": (200,),
    r"POST /session": (101, 200),
}
# A success of these says nothing more.
_SILENT = r"PUT /containers/[^/]+/archive"


def check_change(response: Response, *, is_read: bool) -> None:
    """Check that a success is one of the request's; ``is_read``: the response has its whole body.

    Raises:
        InvalidAnswer: the engine's API has no success of this form for the request.
    """
    method, status = str(response.request.method), response.status_code
    if method in _QUESTIONS or _is_failure(status):
        return
    request = request_line(method, str(response.request.url))
    known = [_DONE[each] for each in _DONE if re.fullmatch(each, request)]
    if not any(status in each for each in known):
        raise InvalidAnswer(f"status {status} does not report that the change was made")
    if is_read and re.fullmatch(_SILENT, request) and response.content.strip():
        raise InvalidAnswer("it should be empty")


def _is_failure(status: int) -> bool:
    """Return whether the client rejects the status anyway: as an error, or as a redirect."""
    return status >= _FIRST_REDIRECT and status != _UNCHANGED
