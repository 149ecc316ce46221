"""One stream of a program, downloaded from the file in the sandbox that it goes to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from os2cli.core.errors import NotFound, OperationFailed
from os2cli.providers.daytona.machines.files import download
from os2cli.providers.daytona.machines.toolbox import Toolbox

_LONGEST_CODE = 8


class Spool:
    """A stream up to its mark; ``exit_code`` is the program's once the mark was read.

    ``seen`` tells whether the file exists: the program is about to start.
    """

    def __init__(self, toolbox: Toolbox, path: str, mark: str) -> None:
        self.toolbox = toolbox
        self.path = path
        self.seen = False
        self.exit_code: int | None = None
        self._mark = b"\0" + mark.encode()
        self._end = re.compile(re.escape(self._mark) + rb" (\d{1,3})\n")
        self._downloaded = 0
        self._rest = b""

    def news(self, doing: str) -> Iterator[bytes]:
        """Yield what was written since the last call.

        Raises:
            OperationFailed: the file is gone: the sandbox's disk is full.
        """
        if self.exit_code is not None:
            return
        try:
            for data in download(self.toolbox, self.path, doing, self._downloaded):
                self.seen = True
                # Before the yield: a caller may stop there, and go on later.
                self._downloaded += len(data)
                yield from self._before_mark(data)
        except NotFound:
            if self.seen:
                self.toolbox.require_running()
                raise _lost(doing, self.toolbox.machine) from None
            return
        self.seen = True

    def _before_mark(self, data: bytes) -> Iterator[bytes]:
        self._rest += data
        match = self._end.search(self._rest)
        if match:
            self.exit_code = int(match[1])
            end = match.start()
        else:
            # The mark may have arrived in part.
            start = max(len(self._rest) - len(self._mark) - _LONGEST_CODE, 0)
            found = self._rest.find(b"\0", start)
            while found >= 0 and not _begins(self._mark, self._rest[found:]):
                found = self._rest.find(b"\0", found + 1)
            end = len(self._rest) if found < 0 else found
        whole, self._rest = self._rest[:end], self._rest[end:]
        if whole:
            yield whole


def _begins(mark: bytes, data: bytes) -> bool:
    return mark.startswith(data) or data.startswith(mark)


def _lost(doing: str, machine: str) -> OperationFailed:
    return OperationFailed(
        f"{doing} failed: its output was lost",
        hint=f"the machine's disk may be full: os2 machine exec {machine} -- df -h /tmp",
        code="execution_lost",
    )
