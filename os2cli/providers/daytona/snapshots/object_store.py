"""Uploads of build contexts to Daytona's object store, unless it already has the content.

obstore, because Daytona's own SDK uses it: a store that works with one works with both.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from obstore.store import S3Store

from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.core.progress import Progress
from os2cli.host.interrupts import BackgroundCall
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT
from os2cli.providers.daytona.api.wire import StorageAccess, read
from os2cli.providers.daytona.snapshots.creating import creating
from os2cli.providers.daytona.snapshots.object_store_access import (
    DOING,
    QUESTION_SECONDS,
    connect,
    explained,
)
from os2cli.snapshots.context import BuildContext

# S3 takes up to 10,000 parts of at least 5 MiB: this suffices for 80 GB.
PART_BYTES = 8 * 2**20
PARTS_AT_ONCE = 4
# The slowest line that a part may take its time on.
_BYTES_PER_SECOND = 80_000
_WAKE_SECONDS = 0.2


class ObjectStore:
    """The store from which Daytona's builder takes contexts, by their digests."""

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client

    def ensure(self, context: BuildContext, digest: str, progress: Progress) -> bool:
        """Upload the context; return False if the store already has it.

        Raises:
            OperationFailed: the store rejects it, or a file changed.
            Unreachable: the store does not answer.
        """
        ask = partial(self.client.get, "/object-storage/push-access", doing=DOING)
        answer = creating(self.client, "the object store", DOING).request(ask)
        access = read(StorageAccess, answer, DOING)
        self.client.keep_secret({"secret": access.secret, "token": access.session_token or ""})
        key = f"{access.organization}/{digest}/context.tar"
        # In a thread: a signal does not wake obstore.
        asked = partial(_exists, connect(access, QUESTION_SECONDS), key, access.url)
        if BackgroundCall(asked).answer():
            return False
        store = connect(access, _part_seconds(context.size_bytes))
        _Upload(store, access.url, key, context, progress).run()
        return True


class _Upload:
    """One upload in a thread, so that a signal to the main thread ends it at once.

    obstore pulls chunks from ``_pieces`` and sends several parts concurrently.
    """

    def __init__(
        self, store: S3Store, url: str, key: str, context: BuildContext, progress: Progress
    ) -> None:
        self.store = store
        self.url = url
        self.key = key
        self.context = context
        self.progress = progress
        self._abandoned = threading.Event()
        self._outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._cause: BaseException | None = None

    def run(self) -> None:
        """Upload everything or raise."""
        threading.Thread(target=self._send, name="context upload", daemon=True).start()
        try:
            failure = self._wait()
        except BaseException:
            # The next chunk raises in the thread, and obstore discards the parts.
            self._abandoned.set()
            with suppress(queue.Empty):
                self._outcome.get(timeout=DEFAULT.connect_seconds)
            raise
        if failure is not None:
            raise explained(self._cause or failure, self.url) from failure

    def _wait(self) -> BaseException | None:
        # Not the thread's ``join``: after a signal has ended one, the next returns at once.
        while True:
            with suppress(queue.Empty):
                return self._outcome.get(timeout=_WAKE_SECONDS)

    def _send(self) -> None:
        try:
            # One request if that suffices: an iterator is always sent in parts.
            small = self.context.size_bytes < PART_BYTES
            body = b"".join(self._pieces()) if small else self._pieces()
            self.store.put(self.key, body, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        except BaseException as error:  # noqa: BLE001  # ``run`` raises it
            self._outcome.put(error)
        else:
            self._outcome.put(None)

    def _pieces(self) -> Iterator[bytes]:
        total, done = self.context.size_bytes, 0
        try:
            for piece in self.context.stream():
                if self._abandoned.is_set():
                    raise OperationFailed("the upload was stopped", hint="run the command again")
                done += len(piece)
                self.progress.transfer("uploading", min(done, total), total)
                yield piece
        except Os2Error as error:
            # obstore wraps the errors of an iterator in its own.
            self._cause = error
            raise


def _part_seconds(size: int) -> float:
    """Return the time for a part of a context of ``size`` bytes, its answer included."""
    return QUESTION_SECONDS + min(size, PART_BYTES) / _BYTES_PER_SECOND


def _exists(store: S3Store, key: str, url: str) -> bool:
    try:
        store.head(key)
    except FileNotFoundError:
        return False
    except Exception as error:
        raise explained(error, url) from error
    return True
