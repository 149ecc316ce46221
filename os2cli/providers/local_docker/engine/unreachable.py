"""Why an engine does not answer: one failure for each cause."""

from __future__ import annotations

import json
import shlex
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead
from urllib.parse import urlsplit

from os2cli.core.errors import NotAuthorised, Os2Error, Unreachable
from os2cli.providers.local_docker.engine.address import Endpoint, holds


def explain_unreachable(endpoint: Endpoint, error: BaseException) -> Os2Error:
    """Return the failure for an exception of the Docker SDK, an HTTP client or the system.

    The SDK and its HTTP client wrap the cause up to four times, so all causes of ``error`` are
    examined. Codes, with exit code 8 unless stated: ``engine_socket_missing``, ``engine_refused``,
    ``engine_permission`` (``NotAuthorised``, exit code 4: the engine runs, retrying does not help),
    ``engine_not_docker``, ``engine_timeout``, ``engine_tls``, ``engine_host_unknown``,
    ``engine_proxy``, ``engine_failed`` (a server error), ``engine_closed`` (the engine closed the
    connection on a Unix socket) and ``unreachable``.
    If a plain connection is cut, a handshake tests whether the port speaks TLS.
    """
    if isinstance(error, Os2Error):
        return error
    causes = tuple(_causes(error))
    recognised = (
        explain(endpoint, cause)
        for explain in (_proxy, _access, _tls, _silence, _refusal, _answer, _cut_off)
        for cause in causes
    )
    failure = next(filter(None, recognised), None) or _unrecognised(endpoint, causes)
    failure.details.update(endpoint=endpoint.url, origin=endpoint.origin)
    return failure


def _engine(endpoint: Endpoint) -> str:
    return f"the Docker engine at {endpoint.url} ({endpoint.origin})"


def _unrecognised(endpoint: Endpoint, causes: tuple[BaseException, ...]) -> Unreachable:
    # The system's error is clearer than its wrappers.
    cause = next((each for each in reversed(causes) if isinstance(each, OSError)), causes[0])
    return Unreachable(
        f"cannot reach {_engine(endpoint)}: {cause}", hint="find the cause: os2 doctor"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that it wraps, outermost first; requests hides causes in ``args``."""
    queue, seen = [error], set[int]()
    for cause in queue:
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        queue.extend(each for each in wrapped if isinstance(each, BaseException))


def _proxy(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    if type(cause).__name__ != "ProxyError":  # requests', urllib3's and httpx's alike
        return None
    host = urlsplit(endpoint.url).hostname
    return Unreachable(
        f"cannot reach {_engine(endpoint)} through the proxy in HTTP_PROXY",
        hint=f"bypass the proxy: export NO_PROXY={shlex.quote(str(host))}",
        code="engine_proxy",
    )


def _access(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    path = endpoint.socket
    if path and isinstance(cause, PermissionError):
        return NotAuthorised(
            f"cannot use {_engine(endpoint)}: permission denied",
            hint='use rootless Docker, or run, then log in again: sudo usermod -aG docker "$USER"',
            code="engine_permission",
        )
    if path and isinstance(cause, FileNotFoundError | NotADirectoryError):
        return Unreachable(
            f"cannot reach {_engine(endpoint)}: the socket does not exist",
            hint="start the engine, or find the cause: os2 doctor",
            code="engine_socket_missing",
        )
    if isinstance(cause, socket.gaierror):
        return Unreachable(
            f"cannot reach {_engine(endpoint)}: unknown host name",
            hint=f"fix the host name in {endpoint.origin}",
            code="engine_host_unknown",
        )
    return None


_CLIENT_FILES = "put cert.pem and key.pem, signed by the engine's authority, beside ca.pem"


def _tls(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason, hint = (
            cause.verify_message,
            "check ca.pem in the directory that DOCKER_CERT_PATH names",
        )
    elif isinstance(cause, ssl.SSLError) and "ALERT" in str(cause.reason):
        reason, hint = "it requires a client certificate", _CLIENT_FILES
    elif isinstance(cause, ssl.SSLError):
        reason, hint = "the port does not speak TLS", "unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
    elif "HTTP request to an HTTPS server" in str(cause) or (
        _is_cut_off(cause) and _speaks_tls(endpoint)
    ):
        reason, hint = "it speaks TLS only", "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
    else:
        return None
    return Unreachable(
        f"cannot connect to {_engine(endpoint)}: {reason}", hint=hint, code="engine_tls"
    )


def _speaks_tls(endpoint: Endpoint) -> bool:
    """Return whether a TLS handshake completes; called only to explain a cut connection."""
    address = urlsplit(endpoint.url)
    if address.scheme != "tcp" or endpoint.tls or not address.hostname or not address.port:
        return False
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address.hostname, address.port), timeout=1) as plain,
            anything.wrap_socket(plain),
        ):
            return True
    except OSError:
        return False


def _silence(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    # BlockingIOError: a Unix socket's queue is full because the engine accepts no connections.
    if (
        not isinstance(cause, TimeoutError | BlockingIOError)
        and "Timeout" not in type(cause).__name__
    ):
        return None
    return Unreachable(
        f"timed out waiting for {_engine(endpoint)}: it hangs or is overloaded",
        hint="restart the engine, or wait and retry",
        code="engine_timeout",
    )


def _refusal(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    if not isinstance(cause, ConnectionRefusedError):
        return None
    if endpoint.guessed:
        return Unreachable(
            "no Docker engine found: no known socket exists, "
            f"and nothing listens at {endpoint.url}",
            hint="install or start Docker; on Debian and Ubuntu, run as root: os2 doctor --fix",
            code="engine_refused",
        )
    path, hint = endpoint.socket, "start the engine, or find the cause: os2 doctor"
    if path is None:
        problem = "nothing listens on that port"
    elif holds(path.is_socket):
        problem = "nothing listens on the socket that a stopped engine left behind"
    else:
        problem, hint = "that file is not a socket", f"fix the path in {endpoint.origin}"
    return Unreachable(
        f"{_engine(endpoint)} is not running: {problem}", hint=hint, code="engine_refused"
    )


def _answer(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    """Explain an HTTP error, or a document that a Docker engine would not send."""
    response = getattr(cause, "response", None)
    status = getattr(response, "status_code", 0)
    if response is not None and status >= 400:
        kind = response.headers.get("Content-Type", "")
        if "html" in kind or ("json" not in kind and status < 500):
            return _not_docker(endpoint, f"it returned {status} without JSON")
        message = " ".join(str(getattr(cause, "explanation", "") or cause).split())[:200]
        return Unreachable(
            f"{_engine(endpoint)} returned {status}: {message}",
            hint="see the engine's log; restart the engine if the error persists",
            code="engine_failed",
        )
    if isinstance(cause, json.JSONDecodeError):
        return _not_docker(endpoint, "its answer is not JSON")
    if "server API version" in str(cause) and isinstance(cause.__cause__, TypeError):
        return _not_docker(endpoint, "its answer has no API version")
    if isinstance(cause, KeyError) and cause.args == ("ApiVersion",):
        return _not_docker(endpoint, "its answer has no API version")
    return None


def _cut_off(endpoint: Endpoint, cause: BaseException) -> Os2Error | None:
    if not _is_cut_off(cause):
        return None
    # http.client's RemoteDisconnected is also a ConnectionError; httpx has it only in the message.
    ended = isinstance(cause, ConnectionError | IncompleteRead) or "disconnected" in str(cause)
    if ended and endpoint.socket:  # only an engine has its socket
        return Unreachable(
            f"{_engine(endpoint)} closed the connection: it stopped or restarted",
            hint="retry; if it fails again, check the engine: os2 doctor",
            code="engine_closed",
        )
    if ended:
        return _not_docker(endpoint, "it closes the connection without an answer")
    return _not_docker(endpoint, "its answer is not HTTP")


def _is_cut_off(cause: BaseException) -> bool:
    """Return whether the answer ended early or was not HTTP; by name for httpx, a slow import."""
    if isinstance(cause, ConnectionRefusedError):
        return False
    by_name = type(cause).__name__ == "RemoteProtocolError"
    return by_name or isinstance(cause, ConnectionError | HTTPException)


def _not_docker(endpoint: Endpoint, evidence: str) -> Unreachable:
    return Unreachable(
        f"{endpoint.url} ({endpoint.origin}) is not a Docker engine: {evidence}",
        hint="set DOCKER_HOST to the engine's address, or find the cause: os2 doctor",
        code="engine_not_docker",
    )
