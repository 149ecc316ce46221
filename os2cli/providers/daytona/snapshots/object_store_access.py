"""The way to Daytona's object store: its address, the proxy to it, and what its errors mean."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from obstore.store import S3Store

from os2cli.core.errors import OperationFailed, Os2Error, Unreachable
from os2cli.host.network.failures import problem_reaching, trust_hint
from os2cli.host.network.relay import relay_to_loopback
from os2cli.host.network.routes import proxy_url
from os2cli.host.web import is_loopback, is_private, web_address
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.api.wire import StorageAccess

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

QUESTION_SECONDS = 15.0
_RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
DOING = "uploading the build context"
_ELSEWHERE = (
    "set S3_ENDPOINT of the Daytona server to an HTTPS URL that this host can reach, "
    "or build on this host: --builder local"
)
# A proxy that is never used: only with one does the client leave those of the environment alone.
_NO_PROXY = "http://127.0.0.1:9"


def connect(access: StorageAccess, seconds: float) -> S3Store:
    """Return the store, with ``seconds`` for each of its answers; nothing is sent yet.

    Raises:
        OperationFailed: its address is not a URL, or plain HTTP to another host.
        Unreachable: its address is plain HTTP to a name that this host does not know.
    """
    parts = web_address(access.url)
    # obstore panics at an invalid address, and prints a backtrace.
    if parts is None:
        raise invalid_answer(DOING, "storageUrl is not a web address")
    config: S3Config = {
        "endpoint": access.url,
        "access_key_id": access.access_key,
        "secret_access_key": access.secret,
        "region": access.region or "us-east-1",
        "virtual_hosted_style_request": False,
    }
    if access.session_token:
        config["session_token"] = access.session_token
    options: ClientConfig = {
        "allow_http": parts.scheme == "http",
        "connect_timeout": "10s",
        "timeout": f"{seconds:g}s",
        **_route(access.url, parts),
    }
    return S3Store(access.bucket, config=config, client_options=options, retry_config=_RETRIES)


def _route(url: str, parts: SplitResult) -> ClientConfig:
    if not is_private(parts):
        _check_plain(url, parts)
        # By name it could be resolved once more, and to another address.
        return {"proxy_url": relay_to_loopback().url}
    proxy = proxy_url(url)
    if proxy is not None:
        return {"proxy_url": proxy}
    return {"proxy_url": _NO_PROXY, "proxy_excludes": parts.hostname or ""}


def _check_plain(url: str, parts: SplitResult) -> None:
    """Accept plain HTTP to this computer by another name, as of a port that a container shares."""
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(
            f"{DOING} failed: Daytona's object store is at {_place(url)}, "
            f"a name that this host cannot resolve",
            hint=_ELSEWHERE,
            code="object_store_unreachable",
        ) from error
    if not all(is_loopback(str(address[0])) for *_, address in found):
        raise OperationFailed(
            f"{DOING} failed: Daytona's object store is at {_place(url)}: "
            "plain HTTP to another host would expose the upload and its login",
            hint=_ELSEWHERE,
            code="object_store_insecure",
        )


def explained(error: BaseException, url: str) -> Os2Error:
    """Return an error that names the kind only: obstore's may hold a signed address."""
    if isinstance(error, Os2Error):
        return error
    kind = type(error).__name__
    if kind in ("PermissionDeniedError", "UnauthenticatedError"):
        return OperationFailed(
            f"{DOING} failed: the object store at {_place(url)} rejected Daytona's login",
            hint="retry; check this host's clock: os2 doctor",
            code="upload_refused",
        )
    problem = problem_reaching(url)
    if problem is not None:
        return Unreachable(
            f"{DOING} failed: {problem.text}",
            hint=problem.hint or f"check the network, or {_ELSEWHERE}",
            code=problem.code if problem.hint else "upload_failed",
        )
    unknown = "UnknownIssuer" in str(error)
    return Unreachable(
        f"{DOING} failed: the object store at {_place(url)} did not accept it ({kind})",
        hint=trust_hint() if unknown else "check the network, then run the command again",
        code="upload_failed",
    )


def _place(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
