"""A real pseudo-terminal and what a program wrote to it."""

from __future__ import annotations

import os
import pty
import re
from threading import Thread
from typing import TextIO

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Both ends: ``screen`` is the program's, what a person types goes into ``keyboard``."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.screen: TextIO = open(slave, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        self.keyboard: TextIO = open(os.dup(slave), encoding="utf-8")  # noqa: SIM115, PTH123
        self._written = bytearray()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def type(self, text: str) -> None:
        """Type as a person does."""
        os.write(self._master, text.encode())

    def raw(self) -> str:
        """Everything that was written, escapes and all; nothing can be written afterwards."""
        self.close()
        return self._written.decode().replace("\r\n", "\n")

    def text(self) -> str:
        """Everything that was written, without escapes."""
        return _ESCAPES.sub("", self.raw())

    def close(self) -> None:
        """Hang up."""
        if not self.screen.closed:
            self.screen.close()
            self.keyboard.close()
            self._reader.join()
            os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                self._written += os.read(self._master, 65536)
            except OSError:
                return
