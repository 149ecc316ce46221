"""A strict, Daytona-compatible server for tests."""

from __future__ import annotations

from tests.daytona_server.errors import ApiError
from tests.daytona_server.faults import Fault
from tests.daytona_server.records import RecordedRequest, SandboxRecord, SnapshotRecord
from tests.daytona_server.registry import Registry
from tests.daytona_server.server import DaytonaServer
from tests.daytona_server.storage import S3Storage
from tests.daytona_server.timing import Timing

__all__ = [
    "ApiError",
    "DaytonaServer",
    "Fault",
    "RecordedRequest",
    "Registry",
    "S3Storage",
    "SandboxRecord",
    "SnapshotRecord",
    "Timing",
]
