"""The object store of remote builds: a real S3 interface on loopback."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import IO, Any
from urllib.parse import parse_qs

REGION = "us-east-1"
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class StorageRequest:
    """One request to the store; ``key`` is the object's name in the bucket."""

    method: str
    key: str
    query: str
    size: int


class S3Storage:
    """A bucket of its own, in memory, for one temporary key with its session token.

    ``requests`` has every request in order; ``fail_next`` lets some fail.
    """

    def __init__(self) -> None:
        self.access_key = f"ASIA{secrets.token_hex(8).upper()}"
        self.secret = secrets.token_hex(20)
        self.session_token = secrets.token_urlsafe(64)
        self.region = REGION
        self.bucket = f"daytona-volume-builds-{secrets.token_hex(4)}"
        self.url = ""
        self.requests: list[StorageRequest] = []
        self._failing: list[tuple[str, int]] = []
        self._lock = threading.Lock()

    def __enter__(self) -> S3Storage:
        """Listen on a free port and make the bucket."""
        # They take most of a second to import, and most tests need none of them.
        import boto3  # type: ignore[import-untyped]
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        # It prints each request, else.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = self._guarded(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        # How often, in seconds, it checks whether to stop.
        serve = partial(self._server.serve_forever, 0.02)
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.session_token,
        )
        self._client.create_bucket(Bucket=self.bucket)
        self.requests.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What is in memory would stay there for the rest of the process.
        for key in self.keys():
            self.delete(key)
        self._client.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # --- what a test looks at ---------------------------------------------------------------

    def keys(self) -> list[str]:
        """Return the names of the objects there are."""
        return list(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Return the objects there are, with their sizes in bytes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        entries = [entry for page in pages for entry in page.get("Contents", ())]
        return {entry["Key"]: int(entry["Size"]) for entry in entries}

    def read(self, key: str) -> bytes:
        """Return the content of an object."""
        body: bytes = self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    @property
    def puts(self) -> list[StorageRequest]:
        """The requests that brought data: objects, or parts of them."""
        return [request for request in list(self.requests) if request.method == "PUT"]

    @property
    def multipart_uploads(self) -> int:
        """Return how many uploads in parts were started."""
        begun = [r for r in list(self.requests) if r.method == "POST" and "uploads" in r.query]
        return len(begun)

    # --- what a test arranges ---------------------------------------------------------------

    def put(self, key: str, body: bytes) -> None:
        """Store an object."""
        self._client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def delete(self, key: str) -> None:
        """Take an object away."""
        self._client.delete_object(Bucket=self.bucket, Key=key)

    def fail_next(self, method: str, status: int = 503, times: int = 1) -> None:
        """Answer the next ``times`` requests of ``method`` with ``status``."""
        with self._lock:
            self._failing.extend([(method, status)] * times)

    # --- what the builder reads -------------------------------------------------------------

    def open(self, key: str) -> IO[bytes] | None:
        """Return the content of an object as a stream; None when there is none."""
        try:
            body: IO[bytes] = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except self._client.exceptions.NoSuchKey:
            return None
        return body

    # --- the way in -------------------------------------------------------------------------

    def _guarded(self, app: Wsgi) -> Wsgi:
        def guard(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            method = environ["REQUEST_METHOD"]
            key = environ["PATH_INFO"].removeprefix(f"/{self.bucket}").lstrip("/")
            size = int(environ.get("CONTENT_LENGTH") or 0)
            self.requests.append(StorageRequest(method, key, environ["QUERY_STRING"], size))
            status = self._failure(method) or (None if self._knows(environ) else 403)
            if status is None:
                return app(environ, start_response)
            _skip_body(environ["wsgi.input"], size)
            code = {403: "InvalidAccessKeyId", 503: "SlowDown"}.get(status, "InternalError")
            body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            start_response(f"{status} {code}", headers)
            return [b"" if method == "HEAD" else body]

        return guard

    def _failure(self, method: str) -> int | None:
        with self._lock:
            for failing in self._failing:
                if failing[0] == method:
                    self._failing.remove(failing)
                    return failing[1]
        return None

    def _knows(self, environ: dict[str, Any]) -> bool:
        """Whether the request has the key and its session token, in headers or as a signed URL."""
        query = parse_qs(environ["QUERY_STRING"])
        login = environ.get("HTTP_AUTHORIZATION", "") + "".join(query.get("X-Amz-Credential", []))
        token = (
            environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or query.get("X-Amz-Security-Token", [""])[0]
        )
        return f"{self.access_key}/" in login and token == self.session_token


def _skip_body(stream: IO[bytes], size: int) -> None:
    """Read what the client still sends, or it would never come to the answer."""
    left = size
    while left > 0 and (chunk := stream.read(min(left, 1 << 16))):
        left -= len(chunk)
