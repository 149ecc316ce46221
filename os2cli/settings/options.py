"""Every setting that may also stand in a file; what is a variable alone is in ``variables``.

``os2 config``, ``os2 help environment`` and the README's table are made from these two: a new one
is declared here or there, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_IMAGE = "iterate-sandbox:local"
DEFAULT_TIMEOUT_SECONDS = 120.0
DEFAULT_API_URL = "https://app.daytona.io/api"
DEFAULT_CACHE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Option:
    """One setting that may also stand in a file: its key there, its variable, its default.

    ``help`` says what it sets, ``otherwise`` in words what holds without it when there is no
    ``default``. One that is not ``of_repository`` is taken from the user's own file only.
    """

    key: str
    variable: str
    default: str | None
    help: str
    otherwise: str = ""
    of_repository: bool = True


OPTIONS = (
    Option(
        "image",
        "LOCAL_DOCKER_IMAGE_NAME",
        DEFAULT_IMAGE,
        "name of the image that is built and used",
    ),
    Option(
        "dockerfile",
        "OS2_DOCKERFILE",
        None,
        "Dockerfile below the repository",
        "sandbox/Dockerfile, apps/os2/sandbox/Dockerfile, then the one that os2 brings",
    ),
    Option(
        "base_image", "BASE_IMAGE", None, "image that the sandbox is built on", "the Dockerfile's"
    ),
    Option(
        "timeout",
        "OS2_TIMEOUT",
        f"{DEFAULT_TIMEOUT_SECONDS:g}",
        "seconds to wait for a machine to be healthy",
    ),
    # The key goes where this says: a repository that somebody cloned must not decide it.
    Option(
        "daytona_api_url",
        "DAYTONA_API_URL",
        DEFAULT_API_URL,
        "the API's address; not taken from a repository's file",
        of_repository=False,
    ),
    Option("daytona_target", "DAYTONA_TARGET", None, "the region", "the organisation's"),
    Option(
        "cache_ttl",
        "OS2_CACHE_TTL",
        f"{DEFAULT_CACHE_SECONDS:g}",
        "seconds for which a resolution is kept",
    ),
    Option(
        "organization",
        "OS2_ORGANIZATION",
        None,
        "the organisation that usage is grouped by",
        "DAYTONA_ORGANIZATION_ID",
    ),
    Option("project", "OS2_PROJECT", None, "the project that usage is grouped by"),
    Option(
        "email",
        "OS2_EMAIL",
        None,
        "address that analytics may know of you; not taken from a repository's file",
        of_repository=False,
    ),
)
