"""What may stand in a file of the state folder, and the projects of the tests."""

from __future__ import annotations

TARGET, OTHER_TARGET = "0" * 16, "1" * 16
GARBAGE = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"id": 1}',
    b"x" * 100_000,
    b"[" * 9999,
)
