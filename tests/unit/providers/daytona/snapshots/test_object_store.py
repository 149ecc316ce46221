"""Uploads to a real S3 interface: in one piece, in parts, broken off, and what errors say."""

from __future__ import annotations

import logging
import socket
import time as real_time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotAuthorised, OperationFailed, Os2Error, Unreachable
from os2cli.host.interrupts import Interrupted
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.snapshots.object_store import PART_BYTES, ObjectStore
from os2cli.snapshots.context import BuildContext, collect
from tests.progress import RecordedProgress
from tests.unit.providers.daytona.wires import Peer, Wire, ok, peer, refused

PUSH = "GET /object-storage/push-access"
DIGEST = "d" * 64
# It looks whether there is one, not whether it is right.
LOGIN = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260111/us-east-1/s3/aws4_request"}
SECRETS = ("AKIAHUSH", "hush-secret", "hush-token", "Signature")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Return the address of the S3 interface."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass
class Bucket:
    """A bucket, as one looks at it from outside."""

    url: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.url}/{self.name}/org-1/{DIGEST}/context.tar"

    def get(self) -> httpx.Response:
        return httpx.get(self.key, headers=LOGIN, timeout=10)

    def put(self, body: bytes) -> None:
        assert httpx.put(self.key, content=body, headers=LOGIN, timeout=10).is_success

    @property
    def unfinished(self) -> bool:
        """Whether parts of an upload lie about."""
        return "<UploadId>" in httpx.get(f"{self.url}/{self.name}?uploads", timeout=10).text

    @property
    def etag(self) -> str:
        """One that ends in ``-N"`` was uploaded in N parts."""
        return self.get().headers["etag"]


@pytest.fixture
def bucket(moto: str, tmp_path: Path) -> Bucket:
    name = f"builds-{tmp_path.name}".replace("_", "-").lower()[:60].strip("-")
    assert httpx.put(f"{moto}/{name}", timeout=10).is_success
    return Bucket(moto, name)


def access(url: str, bucket: str = "builds", **changes: Any) -> httpx.Response:
    answer = {
        "accessKey": "AKIAHUSH",
        "secret": "hush-secret",
        "sessionToken": "hush-token",
        "storageUrl": url,
        "organizationId": "org-1",
        "bucket": bucket,
        "region": "us-east-1",
    }
    return ok({**answer, **changes})


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[int], BuildContext]:
    """Return a factory of contexts with a sparse file of a number of bytes."""

    def make(size: int) -> BuildContext:
        root = tmp_path / "tree"
        root.mkdir()
        (root / "Dockerfile").write_text("FROM scratch\n")
        with (root / "big").open("wb") as file:
            file.truncate(size)
        (root / "last").write_text("the end")
        return collect(root, Path("Dockerfile"))

    return make


@pytest.fixture
def store(client: DaytonaClient) -> ObjectStore:
    return ObjectStore(client)


def failure(store: ObjectStore, context: BuildContext) -> Os2Error:
    """Return the error of an upload, which must not hold secrets."""
    with pytest.raises(Os2Error) as caught:
        store.ensure(context, DIGEST, RecordedProgress())
    error = caught.value
    assert error.hint
    for secret in SECRETS:
        assert secret not in f"{error.message}{error.hint}{error.details}{error.log_tail}"
    return error


class TestUpload:
    @pytest.mark.parametrize(
        ("size", "parts"),
        [(10, ""), (PART_BYTES - 100_000, ""), (PART_BYTES, "-2"), (5 * PART_BYTES // 2, "-3")],
    )
    def test_the_whole_context_arrives(
        self,
        size: int,
        parts: str,
        store: ObjectStore,
        bucket: Bucket,
        tree: Callable[[int], BuildContext],
        wire: Wire,
        heard: RecordedProgress,
    ) -> None:
        wire.on(PUSH, access(bucket.url, bucket.name))
        context = tree(size)

        assert store.ensure(context, DIGEST, heard) is True

        assert bucket.get().content == b"".join(context.stream())
        assert bucket.etag.strip('"')[32:] == parts
        assert not bucket.unfinished
        total = context.size_bytes
        assert heard.transfers == sorted(heard.transfers)
        assert (heard.transfers[-1], {t for _, t in heard.transfers}) == ((total, total), {total})

    def test_what_is_there_is_not_sent_again(
        self,
        store: ObjectStore,
        bucket: Bucket,
        tree: Callable[[int], BuildContext],
        wire: Wire,
        heard: RecordedProgress,
    ) -> None:
        bucket.put(b"as it was")
        wire.on(PUSH, access(bucket.url, bucket.name))

        assert store.ensure(tree(10), DIGEST, heard) is False

        assert (bucket.get().content, heard.transfers) == (b"as it was", [])

    @pytest.mark.parametrize("missing", [{"sessionToken": None}, {"region": None}, {"region": ""}])
    def test_a_login_may_lack_what_others_have(
        self,
        missing: dict[str, Any],
        store: ObjectStore,
        bucket: Bucket,
        tree: Callable[[int], BuildContext],
        wire: Wire,
    ) -> None:
        wire.on(PUSH, access(bucket.url, bucket.name, **missing))

        assert store.ensure(tree(10), DIGEST, RecordedProgress()) is True


class TestBrokenOff:
    def test_a_file_that_changes_is_an_error_and_leaves_nothing(
        self,
        store: ObjectStore,
        bucket: Bucket,
        tree: Callable[[int], BuildContext],
        wire: Wire,
    ) -> None:
        wire.on(PUSH, access(bucket.url, bucket.name))
        context = tree(3 * PART_BYTES)
        (context.root / "last").write_text("another end")

        error = failure(store, context)

        assert type(error) is OperationFailed
        assert "last" in error.message
        assert "object store" not in error.message
        assert (bucket.get().status_code, bucket.unfinished) == (404, False)

    def test_of_a_small_context_too(
        self,
        store: ObjectStore,
        bucket: Bucket,
        tree: Callable[[int], BuildContext],
        wire: Wire,
    ) -> None:
        wire.on(PUSH, access(bucket.url, bucket.name))
        context = tree(10)
        (context.root / "last").unlink()

        assert "last" in failure(store, context).message
        assert bucket.get().status_code == 404

    def test_a_signal_ends_it_at_once_and_leaves_nothing(
        self,
        store: ObjectStore,
        bucket: Bucket,
        tree: Callable[[int], BuildContext],
        wire: Wire,
        strike: Callable[[], None],
    ) -> None:
        wire.on(PUSH, access(bucket.url, bucket.name))
        context = tree(100 * PART_BYTES)

        class Struck(RecordedProgress):
            def transfer(self, text: str, done: int, total: int) -> None:
                super().transfer(text, done, total)
                if len(self.transfers) == 20:
                    strike()

        heard = Struck()
        with pytest.raises(Interrupted):
            store.ensure(context, DIGEST, heard)

        assert heard.transfers[-1][0] < context.size_bytes
        assert (bucket.get().status_code, bucket.unfinished) == (404, False)


class TestRefused:
    def test_the_login_itself(
        self, store: ObjectStore, tree: Callable[[int], BuildContext], wire: Wire
    ) -> None:
        wire.on(PUSH, refused(403, "Forbidden"))

        error = failure(store, tree(10))

        assert (type(error), error.code) == (NotAuthorised, "not_permitted")

    def test_by_a_store_that_knows_no_such_bucket(
        self, moto: str, store: ObjectStore, tree: Callable[[int], BuildContext], wire: Wire
    ) -> None:
        wire.on(PUSH, access(moto, "no-such-bucket"))

        error = failure(store, tree(10))

        assert (type(error), error.exit_code, error.code) == (Unreachable, 8, "upload_failed")

    @pytest.mark.parametrize("method", ["HEAD", "PUT"])
    @pytest.mark.parametrize(
        ("status", "kind", "code"),
        [
            ("403 Forbidden", OperationFailed, "upload_refused"),
            ("401 Unauthorized", OperationFailed, "upload_refused"),
            ("400 Bad Request", Unreachable, "upload_failed"),
            ("301 Moved Permanently", Unreachable, "upload_failed"),
        ],
    )
    def test_by_a_store_that_repeats_what_it_was_sent(
        self,
        method: str,
        status: str,
        kind: type[Os2Error],
        code: str,
        store: ObjectStore,
        tree: Callable[[int], BuildContext],
        wire: Wire,
    ) -> None:
        body = f"<Error><Code>SignatureDoesNotMatch</Code>{SECRETS}</Error>".encode()

        def talk(server: Peer, connection: socket.socket, request: str) -> None:
            answer = status if request.startswith(method) else "404 Not Found"
            head = f"HTTP/1.1 {answer}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + (b"" if request.startswith("HEAD") else body))

        with peer(talk) as server:
            wire.on(PUSH, access(server.address))
            error = failure(store, tree(10))

        assert (type(error), error.code) == (kind, code)
        assert ("clock" in (error.hint or "")) == (code == "upload_refused")

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "s3.example",
            "http://",
            "ftp://127.0.0.1/x",
            "http://127.0.0.1:port",
            "http://[::1",
            "http://127.0.0.1\n:9",
        ],
    )
    def test_an_address_that_is_none(
        self, url: str, store: ObjectStore, tree: Callable[[int], BuildContext], wire: Wire
    ) -> None:
        wire.on(PUSH, access(url))

        assert failure(store, tree(10)).code == "answer_invalid"

    def test_by_a_closed_port(
        self, store: ObjectStore, tree: Callable[[int], BuildContext], wire: Wire
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        wire.on(PUSH, access(f"http://127.0.0.1:{port}"))
        began = real_time.monotonic()

        error = failure(store, tree(10))

        assert (type(error), error.code) == (Unreachable, "upload_failed")
        assert real_time.monotonic() - began < 10
