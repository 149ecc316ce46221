"""The input of a program in a sandbox, sent while the program runs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from os2cli.core.errors import NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.machines.files import upload
from os2cli.providers.daytona.machines.keeper import octal
from os2cli.providers.daytona.machines.toolbox import Toolbox, json_object

CHUNK_BYTES = 64 * 1024
# As much as is kept here, and as much as is waiting in the sandbox.
MAX_CHUNKS = 128
# A longer text is slower than a file: the sandbox's shell reads byte by byte.
MAX_TEXT_BYTES = 1024
PAUSES = (0.05, 0.1, 0.2, 0.5)
# How often something is sent whose answer is not the toolbox's.
ATTEMPTS = 3
TAKEN = 204

_DOING = "sending the input"


class Feed:
    """Sends what can be read from ``source``, each piece as soon as it is there, and the end.

    ``command`` is the toolbox's path of the keeper's command, and ``folder`` its directory.
    """

    def __init__(self, toolbox: Toolbox, command: str, folder: str, source: BinaryIO) -> None:
        self.toolbox = toolbox
        self.command = command
        self.folder = folder
        self.source = source
        self.error: Os2Error | None = None
        self._number = 0
        self._started = False
        self._stopped = threading.Event()
        self._chunks: queue.Queue[bytes] = queue.Queue(MAX_CHUNKS)

    def start(self) -> None:
        """Begin, once; both threads end with the process, since reading can't be interrupted."""
        if self._started:
            return
        self._started = True
        for work in (self._read, self._send):
            threading.Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        """Send nothing more: the program has ended."""
        self._stopped.set()

    def _read(self) -> None:
        read = getattr(self.source, "read1", self.source.read)
        # A terminal that is gone, or a file that is closed, is the end of the input.
        with suppress(OSError, ValueError):
            while data := read(CHUNK_BYTES):
                self._chunks.put(data)
        self._chunks.put(b"")

    def _send(self) -> None:
        try:
            for data in self._pieces():
                if len(data) <= MAX_TEXT_BYTES:
                    self._line(f"text {octal(data)}")
                else:
                    self._file(data)
            self._line("end")
        except Os2Error as error:
            self.error = error
        except RuntimeError:
            # The connections were closed after the program's end.
            if not self._stopped.is_set():
                raise

    def _pieces(self) -> Iterator[bytes]:
        """Yield all that is there, as soon as something is there."""
        ended = False
        while not ended:
            chunks = [self._chunks.get()]
            with suppress(queue.Empty):
                while chunks[-1]:
                    chunks.append(self._chunks.get_nowait())
            ended = not chunks[-1]
            if data := b"".join(chunks):
                yield data

    def _file(self, data: bytes) -> None:
        """Send a file, and wait until it was read: a slow program must not fill the disk."""
        path = f"{self.folder}/input-{self._number}"
        self._upload(data, path)
        self._line(f"file {path}")
        pauses = iter(PAUSES)
        while self._waits(path):
            self._stopped.wait(next(pauses, PAUSES[-1]))

    def _upload(self, data: bytes, path: str) -> None:
        """Write a file, and look: an answer may come from something before the toolbox."""
        for _ in range(ATTEMPTS):
            upload(self.toolbox, data, path, _DOING)
            with suppress(NotFound, OperationFailed):
                answer = self.toolbox.request("GET", "/files/info", _DOING, params={"path": path})
                if json_object(answer, _DOING).get("size") == len(data):
                    return
        if not self._stopped.is_set():
            raise invalid_answer(_DOING, "it was not written")

    def _waits(self, path: str) -> bool:
        if self._stopped.is_set():
            return False
        try:
            self.toolbox.send("GET", "/files/info", _DOING, params={"path": path})
        except NotFound:
            return False
        except Unreachable:
            pass  # the program's output is asked for meanwhile, and tells of an outage
        return True

    def _line(self, text: str) -> None:
        """Send a line; its number lets the keeper ignore one that comes twice."""
        self._number += 1
        line = {"data": f"{self._number} {text}\n"}
        others = 0
        while not self._stopped.is_set() and others < ATTEMPTS:
            # The answer is late while the program reads nothing.
            with suppress(Unreachable):
                answer = self.toolbox.send("POST", f"{self.command}/input", _DOING, json=line)
                if answer.status_code == TAKEN:
                    return
                others += 1
            self._stopped.wait(PAUSES[-1])
