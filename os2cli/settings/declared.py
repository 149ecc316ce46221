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
    """A setting that may also be in a file: its key there, its variable, its default.

    ``otherwise`` describes what applies without it when there is no ``default``. Without
    ``of_repository`` it is read from the user's own file only.
    """

    key: str
    variable: str
    default: str | None
    help: str
    otherwise: str = ""
    of_repository: bool = True


OPTIONS = (
    # A build replaces this image: a cloned repository must not take another one's name.
    Option(
        "image",
        "LOCAL_DOCKER_IMAGE_NAME",
        DEFAULT_IMAGE,
        "name of the image to build and use; not read from a repository's file",
        of_repository=False,
    ),
    Option(
        "dockerfile",
        "OS2_DOCKERFILE",
        None,
        "Dockerfile below the repository",
        "sandbox/Dockerfile, apps/os2/sandbox/Dockerfile, then the bundled one",
    ),
    Option("base_image", "BASE_IMAGE", None, "base image of the sandbox", "the Dockerfile's"),
    Option(
        "timeout",
        "OS2_TIMEOUT",
        f"{DEFAULT_TIMEOUT_SECONDS:g}",
        "seconds to wait until a machine is healthy",
    ),
    # The API key is sent to this address: a cloned repository must not decide it.
    Option(
        "daytona_api_url",
        "DAYTONA_API_URL",
        DEFAULT_API_URL,
        "Daytona's API URL; not read from a repository's file",
        of_repository=False,
    ),
    Option("daytona_target", "DAYTONA_TARGET", None, "the region", "the organisation's"),
    Option(
        "cache_ttl",
        "OS2_CACHE_TTL",
        f"{DEFAULT_CACHE_SECONDS:g}",
        "seconds for which a resolution is cached",
    ),
    Option(
        "organization",
        "OS2_ORGANIZATION",
        None,
        "organisation to group usage by",
        "DAYTONA_ORGANIZATION_ID",
    ),
    Option("project", "OS2_PROJECT", None, "project to group usage by"),
    Option(
        "email",
        "OS2_EMAIL",
        None,
        "your email address for analytics; not read from a repository's file",
        of_repository=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, its purpose, and a description of what applies when it is not set.

    The value of a ``secret`` is never shown.
    """

    name: str
    help: str
    default: str = ""
    secret: bool = False


CREDENTIALS = (
    Variable("DAYTONA_API_KEY", "the Daytona API key", secret=True),
    Variable("DAYTONA_JWT_TOKEN", "a token, instead of the API key", secret=True),
    Variable("DAYTONA_ORGANIZATION_ID", "the token's organisation"),
)
STAGE = (
    Variable("ITERATE_USER", "the developer: the stage is dev-<user>"),
    Variable("APP_STAGE", "the stage, such as stg or prd", "dev for local machines"),
    Variable("DOPPLER_CONFIG", "settles a contradiction of ITERATE_USER and APP_STAGE"),
    Variable("DOPPLER_ENVIRONMENT", "the same, if DOPPLER_CONFIG does not settle it"),
)
ENGINE = (
    Variable(
        "DOCKER_HOST",
        "address of the Docker engine",
        "the context's, the known sockets, then tcp://127.0.0.1:2375 if root or you listen there",
    ),
    Variable("DOCKER_CONTEXT", "context of Docker's command line", "its current one"),
    Variable("DOCKER_CONFIG", "directory of Docker's configuration", "~/.docker"),
    Variable(
        "DOCKER_AUTH_CONFIG", "logins to registries, in JSON as Docker takes them", secret=True
    ),
    Variable("DOCKER_TLS_VERIFY", "when set, the engine's certificate is verified"),
    Variable("DOCKER_CERT_PATH", "directory with the engine's certificates"),
    Variable("XDG_RUNTIME_DIR", "directory with the socket of a rootless engine"),
)
TERMINAL = (
    Variable("CI", "when set, no prompts and plain progress"),
    Variable("OS2_NO_INPUT", "when set, no prompts"),
    Variable("OS2_PROGRESS", "form of progress, as with --progress", "auto"),
    Variable("NO_COLOR", "when set, no colours"),
    Variable("FORCE_COLOR", "when set, colours also in a pipe; NO_COLOR wins"),
    Variable("TERM", "dumb: no colours, plain progress"),
)

ANALYTICS = (
    Variable("POSTHOG_KEY", "key of the PostHog project for usage", secret=True),
    Variable("POSTHOG_HOST", "PostHog's URL", "https://eu.i.posthog.com"),
    Variable("VITE_POSTHOG_PUBLIC_KEY", "key of the PostHog project for the web UI"),
    Variable(
        "VITE_POSTHOG_PROXY_URI",
        "path or proxy URL through which the web UI reaches PostHog",
        "/ingest",
    ),
    Variable("VITE_APP_STAGE", "environment reported with usage", "the stage"),
    Variable("OS2_TELEMETRY", "0 turns analytics off; 1 turns it on, also under CI"),
    Variable("DO_NOT_TRACK", "1 turns analytics off"),
)


def names(variables: Iterable[Variable]) -> tuple[str, ...]:
    """Return their names."""
    return tuple(variable.name for variable in variables)
