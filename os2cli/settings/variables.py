"""Every environment variable that os2 reads, except those that may also stand in a file.

The others are ``file_options.OPTIONS``. ``os2 config``, ``os2 help environment`` and the README's
table are made from these two: a new variable is declared here or there, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
    """The names alone."""
    return tuple(variable.name for variable in variables)
