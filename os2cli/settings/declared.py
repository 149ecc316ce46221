"""Every setting and environment variable that os2 reads, each declared once.

``OPTIONS`` may also stand in a file; the other variables are read from the environment alone.
``os2 config``, ``os2 help environment`` and the table of settings are made from them.
"""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, what it is for, and in words what holds when it is not set.

    The value of one that is ``secret`` is shown nowhere.
    """

    name: str
    help: str
    default: str = ""
    secret: bool = False


CREDENTIALS = (
    Variable("DAYTONA_API_KEY", "the key for Daytona", secret=True),
    Variable("DAYTONA_JWT_TOKEN", "a token in the place of the key", secret=True),
    Variable("DAYTONA_ORGANIZATION_ID", "the organisation that the token is for"),
)
STAGE = (
    Variable("ITERATE_USER", "the developer: the stage is dev-<user>"),
    Variable("APP_STAGE", "the stage, such as stg or prd", "dev for local machines"),
    Variable("DOPPLER_CONFIG", "decides when ITERATE_USER and APP_STAGE contradict each other"),
    Variable("DOPPLER_ENVIRONMENT", "the same, when DOPPLER_CONFIG does not decide"),
)
ENGINE = (
    Variable(
        "DOCKER_HOST",
        "address of the Docker engine",
        "the context's, the known sockets, then tcp://127.0.0.1:2375",
    ),
    Variable("DOCKER_CONTEXT", "context of Docker's command line", "its current one"),
    Variable("DOCKER_CONFIG", "folder of Docker's own settings", "~/.docker"),
    Variable("DOCKER_TLS_VERIFY", "when set, the engine's certificate is verified"),
    Variable("DOCKER_CERT_PATH", "folder with the certificates for the engine"),
    Variable("XDG_RUNTIME_DIR", "folder where the socket of a rootless engine is looked for"),
)
TERMINAL = (
    Variable("CI", "when set, nothing is asked and progress is plain lines"),
    Variable("OS2_NO_INPUT", "when set, nothing is asked"),
    Variable("OS2_PROGRESS", "how progress is shown, as with --progress", "auto"),
    Variable("NO_COLOR", "when set, no colours"),
    Variable("FORCE_COLOR", "when set, colours also in a pipe; NO_COLOR wins"),
    Variable("TERM", "dumb means no colours and plain lines"),
)

ANALYTICS = (
    Variable("POSTHOG_KEY", "key of the PostHog project that usage is sent to", secret=True),
    Variable("POSTHOG_HOST", "where PostHog is", "https://eu.i.posthog.com"),
    Variable("VITE_POSTHOG_PUBLIC_KEY", "key of the project for the page of os2 ui"),
    Variable(
        "VITE_POSTHOG_PROXY_URI",
        "path, or a proxy's address, where that page reaches PostHog",
        "/ingest",
    ),
    Variable("VITE_APP_STAGE", "the environment that usage is of", "the stage"),
    Variable("OS2_TELEMETRY", "0 turns analytics off; 1 turns them on, also under CI"),
    Variable("DO_NOT_TRACK", "when set to 1, analytics are off"),
)


def names(variables: Iterable[Variable]) -> tuple[str, ...]:
    """Return their names."""
    return tuple(variable.name for variable in variables)
