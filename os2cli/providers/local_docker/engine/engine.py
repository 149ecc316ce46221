"""A connection to the engine, and its failures in our words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable

if TYPE_CHECKING:
    import docker

_ENGINE_S_WORDS = "this is what the engine says; os2 doctor looks at it"


class Engine:
    """One engine: a connection per thread, since the SDK's is not made to be shared."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._local = threading.local()

    @property
    def client(self) -> docker.APIClient:
        """This thread's connection, made when it is first needed."""
        client: docker.APIClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = connect(self.endpoint)
        return client

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Turn what the SDK raises inside into an ``Os2Error`` that says what was being done."""
        from docker.errors import APIError, DockerException, StreamParseError
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except APIError as error:
            raise explain_refusal(doing, error) from error
        except (RequestException, HTTPError, OSError) as error:
            raise explain_unreachable(self.endpoint, error) from error
        except (DockerException, StreamParseError) as error:
            raise OperationFailed(f"{doing} failed: {error}", hint=_ENGINE_S_WORDS) from error


def explain_refusal(doing: str, error: Exception) -> Os2Error:
    """The engine answered, and said no."""
    status = getattr(error, "status_code", None)
    said = str(getattr(error, "explanation", "") or error).strip()
    message = f"{doing} failed: {said}"
    if "no space left on device" in said:
        return OperationFailed(
            message, hint="free some disk space: docker system df", code="disk_full"
        )
    if status == 404:
        return NotFound(message, hint="it may have been removed meanwhile: os2 machine list")
    if status == 409:
        return Conflict(message, hint="something else changes it at this moment: try again")
    return OperationFailed(message, hint=_ENGINE_S_WORDS)
