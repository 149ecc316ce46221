"""The Docker SDK's client, whose answers are limited in time and size, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import docker
import requests
from docker import auth
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.tls import TLSConfig

from os2cli.core.deadline import within
from os2cli.core.errors import UsageError
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.answers import (
    MAX_ANSWER_BYTES,
    MAX_ERROR_BYTES,
    InvalidAnswer,
    checked,
    error_message,
)
from os2cli.providers.local_docker.engine.changes import check_change
from os2cli.providers.local_docker.engine.docker_config import (
    UsableLogins,
    readable,
    with_byte_order_mark,
)
from os2cli.providers.local_docker.engine.sockets import adapter_for
from os2cli.providers.local_docker.engine.streams import (
    CHUNK_BYTES,
    events,
    frames,
    lost_is_an_error,
)

QUESTION_SECONDS = 10.0
# Its stubs leave out what is extended here.
_SDK: Any = docker.APIClient
# An engine answers 304 where nothing had to change.
_REDIRECTS = {*range(300, 400)} - {304}


class EngineClient(docker.APIClient):
    """A client that goes to the engine directly and never follows a redirect.

    A request's timeout is for its whole answer; for a streamed one, until its beginning.
    ``seconds`` is the timeout of requests that change something; questions have a shorter one.
    """

    def __init__(self, endpoint: Endpoint, version: str, seconds: float) -> None:
        try:
            # Not `version="auto"`: it sends a request in the constructor, before `trust_env` is
            # off, to the proxy that HTTP_PROXY names, and checks TLS against REQUESTS_CA_BUNDLE.
            super().__init__(
                endpoint.url,
                version=version,
                timeout=seconds,  # type: ignore[arg-type]  # the stubs say int
                tls=_tls(endpoint),
            )
        except (RecursionError, AttributeError, TypeError) as error:
            # The SDK reads Docker's configuration, and expects an object of objects.
            raise UsageError(
                "Docker's configuration is invalid",
                hint="fix its config.json: ~/.docker, or where DOCKER_CONFIG points",
                code="docker_config_invalid",
            ) from error
        sdk: Any = self
        sdk._auth_configs = UsableLogins(sdk._auth_configs)
        self.trust_env = False
        self.headers["Accept-Encoding"] = "identity"
        self._custom_adapter = adapter_for(endpoint)
        for scheme in ("http+docker://", "http://", "https://"):
            self.mount(scheme, self._custom_adapter)

    @property
    def _general_configs(self) -> Any:
        """Docker's configuration; the SDK's constructor sets it and then reads it."""
        return self._configuration

    @_general_configs.setter
    def _general_configs(self, config: Any) -> None:
        self._configuration = readable(config or with_byte_order_mark())

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; the answer is read as a whole if it is not streamed, or an error."""
        timeout = options.get("timeout")
        seconds, silence = (None, timeout[1]) if isinstance(timeout, tuple) else (timeout, timeout)
        streamed = options.get("stream")
        with within(seconds):
            response = super().send(
                request, **{**options, "stream": True, "allow_redirects": False}
            )
            is_error = response.status_code >= requests.codes.multiple_choices
            if is_error or not streamed:
                with within(silence):
                    limit = MAX_ERROR_BYTES if is_error else MAX_ANSWER_BYTES
                    _read_whole(response, limit, is_error=is_error)
        try:
            check_change(response, is_read=not streamed)
        except InvalidAnswer:
            response.close()
            raise
        return response

    def hijack(self, request: requests.PreparedRequest) -> Any:
        """Return the socket of the connection that the engine turns a request into."""
        response = self.send(request, stream=True, timeout=self.timeout)
        try:
            self._raise_for_status(response)
            if response.status_code != requests.codes.switching_protocols:
                raise InvalidAnswer("it keeps to HTTP")
            return _SDK._get_raw_response_socket(self, response)
        except BaseException:
            response.close()
            raise

    def log_in(self, reference: str) -> str | None:
        """Look up the login for an image, and return a hint if a helper of Docker's fails."""
        logins: Any = cast("Any", self)._auth_configs
        try:
            registry, _ = auth.resolve_repository_name(reference)
            logins.resolve_authconfig(registry)
        except DockerException:
            # Of an image that has no such name.
            return None
        return cast("str | None", logins.hint(registry))

    @property
    def build_proxies(self) -> dict[str, str]:
        """The proxies in Docker's configuration, as arguments of a build."""
        configured: Any = self
        return dict(configured._proxy_configs.get_environment())

    def start_build(
        self, parameters: Mapping[str, Any], context: Iterator[bytes] | None = None
    ) -> Iterator[Any]:
        """Request a build, and return its events; ``context`` is a tar, sent first.

        It has no deadline: a step may write nothing for minutes.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        headers: dict[str, str] = {}
        if context is not None:
            headers["Content-Type"] = "application/x-tar"
            # The logins of `docker login`; a session hands them out itself.
            _SDK._set_auth_headers(self, headers)
        options = {"params": given, "data": context, "headers": headers}
        response = _SDK._post(self, _SDK._url(self, "/build"), **options, stream=True, timeout=None)
        self._raise_for_status(response)
        return self._stream_helper(response, decode=True)

    def send_files(self, container: str, folder: str, tar: Iterator[bytes]) -> None:
        """Unpack a tar in a container, as root; it has no deadline but the one around it."""
        url = _SDK._url(self, "/containers/{0}/archive", container)
        response = _SDK._put(self, url, params={"path": folder}, data=tar, timeout=None)
        self._raise_for_status(response)

    def keep_files(self, container: str, seconds: float) -> str:
        """Make an image without a name of a stopped container's files, and return its id."""
        parameters = {"container": container, "pause": "0"}
        url = _SDK._url(self, "/commit")
        response = _SDK._post_json(self, url, data=None, params=parameters, timeout=seconds)
        return str(self._result(response, json=True)["Id"])

    def _get(self, url: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", min(QUESTION_SECONDS, self.timeout))
        return cast("requests.Response", _SDK._get(self, url, **options))

    def _raise_for_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in _REDIRECTS:
            raise InvalidAnswer("it redirects to another address")
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            kind = APIError
            if status == requests.codes.not_found:
                kind = ImageNotFound if "/images/" in str(response.url) else NotFound
            message = error_message(response.content)
            raise kind(str(error), response=response, explanation=message) from error

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        if not json:
            return _SDK._result(self, response, json=False, binary=binary)
        self._raise_for_status(response)
        return checked(str(response.request.method), str(response.url), response.content)

    def _get_result(self, container: str, stream: bool, response: requests.Response) -> Any:
        try:
            return _SDK._get_result(self, container, stream, response)
        except BaseException:
            # The SDK asks for the container in between, and leaves the stream open if that fails.
            response.close()
            raise

    def _check_is_tty(self, container: str) -> bool:
        return bool(self.inspect_container(container)["Config"].get("Tty"))

    def _stream_helper(self, response: requests.Response, decode: bool = False) -> Iterator[Any]:
        if decode:
            return events(response)
        return cast("Iterator[Any]", _SDK._stream_helper(self, response))

    def _multiplexed_response_stream_helper(self, response: requests.Response) -> Iterator[bytes]:
        # A log may stay silent for any time.
        _SDK._disable_socket_timeout(self, _SDK._get_raw_response_socket(self, response))
        return frames(response)

    def _stream_raw_result(
        self, response: requests.Response, chunk_size: int = 1, decode: bool = True
    ) -> Iterator[Any]:
        with lost_is_an_error():
            yield from _SDK._stream_raw_result(self, response, chunk_size, decode)


def _read_whole(response: requests.Response, limit: int, *, is_error: bool) -> None:
    """Read the body into the response; of an error, what is within the limit."""
    body = bytearray()
    for part in response.iter_content(CHUNK_BYTES):
        body += part
        if len(body) > limit:
            response.close()
            if not is_error:
                raise InvalidAnswer(f"it is larger than {limit / 2**20:g} MB")
            break
    # As ``Response.content`` sets them.
    vars(response).update(_content=bytes(body[:limit]), _content_consumed=True)


def _tls(endpoint: Endpoint) -> TLSConfig | bool:
    files = endpoint.tls
    if files is None:
        return False
    pair = files.certificate and files.key and (str(files.certificate), str(files.key))
    return TLSConfig(
        client_cert=pair or None,
        ca_cert=str(files.ca) if files.ca else None,
        verify=files.verify,
    )
