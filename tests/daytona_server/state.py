"""The world of one server: its settings, records and clocks."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from tests.daytona_server.build_logs import BuildLog
from tests.daytona_server.errors import bad_request, not_found
from tests.daytona_server.faults import Faults
from tests.daytona_server.keys import PERMISSIONS, Keys
from tests.daytona_server.listing import SandboxIndex
from tests.daytona_server.places import Places
from tests.daytona_server.rate_limits import RateLimits
from tests.daytona_server.records import REGION, RecordedRequest, SandboxRecord, SnapshotRecord
from tests.daytona_server.timing import Timing
from tests.daytona_server.uuids import is_uuid
from tests.daytona_server.versions import LACKING, chosen_version

if TYPE_CHECKING:
    from tests.daytona_server.containers import Containers
    from tests.daytona_server.preview import Previews
    from tests.daytona_server.registry import Registry
    from tests.daytona_server.ssh import SshGateway, SshSession
    from tests.daytona_server.storage import S3Storage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FailingBuild:
    """How the next build or pull will end."""

    reason: str
    state: str
    log: tuple[str, ...]


class World:
    """Everything that the routes work on.

    Tests read and set attributes from their own thread, the routes run in the server's. Records
    are only added to and taken from dictionaries, and no thread iterates over one that may change.
    """

    def __init__(self, timing: Timing, version: str | None = None) -> None:
        self.timing = timing
        self.version = version or chosen_version()
        self.lacking = LACKING[self.version]
        """What this version doesn't have and the newest does."""
        self.began = time.monotonic()
        self.maintenance = False
        self.clock_skew = timedelta()
        self.regions = [REGION]
        """The regions of the organisation, its default first."""
        self.snapshot_quota: int | None = None
        self.sandbox_limits = {"cpu": 4, "memory": 8, "disk": 10}
        """The largest sandbox that the organisation may have, in cores and GiB."""
        self.public: Callable[[str], str] = str
        """The origin under which a preview or the object store is made known."""
        self.fail_starts = 0
        self.bare_list = False
        self.failing_builds: list[FailingBuild] = []
        self.foreign_logs = False
        """Whether ``build-logs-url`` names another host than the API's."""
        self.on_request: Callable[[RecordedRequest], object] | None = None
        """Called in the server's thread before a request is handled."""
        self.early_exit_codes = False
        """Whether a session's command has its exit code before all its output is in the log, as
        with daemons before April 2026.
        """
        self.stopped_answer: str | None = None
        """How the toolbox says that a sandbox doesn't run, a key of ``NOT_RUNNING``; by its state
        if there is none.
        """
        self.toolbox_access: dict[tuple[str, str], datetime] = {}
        """When the proxy last let a key in to a sandbox."""
        self.stub_status = 200
        """What ``/api/health`` answers in a sandbox without a container."""
        self.ssh_like_openssh = False
        self.ssh_reported: dict[str, Any] = {}
        """What ``/config`` of a newer server reports of the gateway: its host, port and keys."""
        """Whether SSH gives a terminal to a command and tells how a shell in one ended.

        Daytona does neither: a command gets no terminal, and such a shell always ends with 0.
        """
        self.ssh_logins = 0
        """How many SSH connections were let in."""
        self.ssh_refused = 0
        """How many were cut, since they had no valid token or their sandbox did not run."""
        self.ssh_sessions: list[SshSession] = []
        """The shells and commands that were run over SSH."""
        self.published_ports = (3000, 3001, 3002)
        """The ports of a container that previews reach."""

        self.organization_id = str(uuid.uuid4())
        self.user_id = str(uuid.uuid4())
        self.keys = Keys()
        self.api_key = self.keys.add(PERMISSIONS, None, self.now(), "default").value
        self.faults = Faults()
        self.limits = RateLimits()
        self.requests: list[RecordedRequest] = []
        self.preview_requests: list[RecordedRequest] = []
        self.violations: list[str] = []

        self.snapshots_by_id: dict[str, SnapshotRecord] = {}
        self.sandboxes_by_id: dict[str, SandboxRecord] = {}
        self.gone_names: dict[str, float] = {}
        """Names of deleted sandboxes, and until when they are 404 by name."""
        self.build_logs: dict[str, BuildLog] = {}
        self.builds_held = False
        """Whether builds stay at their last step until this is False again."""
        self.under_construction: set[str] = set()
        """The hashes that are being built."""
        self.built: dict[str, str | None] = {}
        """Build hash to the image that came out of it; None without an engine."""
        self.index = SandboxIndex(self)

        self.origin = ""
        self.other_origin = ""
        self.engine: Containers | None = None
        self.storage: S3Storage | None = None
        self.registry: Registry | None = None
        self.previews: Previews | None = None
        self.gateway: SshGateway | None = None
        self.places = Places()
        """Where sandboxes without a container run."""
        self.owned = ExitStack()
        self.closing = asyncio.Event()
        self.workers: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._counter = 0
        self._lock = threading.Lock()

    # --- time -------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the server's clock, which may be wrong."""
        return datetime.now(UTC) + self.clock_skew

    def advance(self, **time: float) -> None:
        """Advance the server's clock by ``minutes``, ``hours`` and so on, at once."""
        self.clock_skew += timedelta(**time)

    async def pause(self, seconds: float) -> None:
        """Let time pass; at the end of the server this is over at once."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return

    async def job(self) -> None:
        """Wait for the next run of the jobs that bring snapshots from state to state."""
        every = self.timing.cron
        if every > 0:
            await self.pause(every - (time.monotonic() - self.began) % every)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on with ``work`` after the answer."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.violations.append(f"the server itself failed: {task.exception()!r}")

    async def settle(self) -> None:
        """Wait for all that was spawned."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run what blocks in a thread of the server's own."""
        return await asyncio.get_running_loop().run_in_executor(self.workers, work, *arguments)

    def open_storage(self) -> S3Storage:
        """Return the object store; create the server's own on first use."""
        with self._lock:
            if self.storage is None:
                from tests.daytona_server.storage import S3Storage

                self.storage = self.owned.enter_context(S3Storage())
            return self.storage

    def open_gateway(self) -> SshGateway:
        """Return the SSH gateway; create it on first use."""
        with self._lock:
            if self.gateway is None:
                from tests.daytona_server.ssh import SshGateway

                self.gateway = SshGateway(self)
            return self.gateway

    # --- records ----------------------------------------------------------------------------

    def next_number(self) -> int:
        """Return the next number in the order of creation."""
        with self._lock:
            self._counter += 1
            return self._counter

    @property
    def snapshots(self) -> list[SnapshotRecord]:
        """The snapshots there are, oldest first."""
        return list(self.snapshots_by_id.values())

    @property
    def sandboxes(self) -> list[SandboxRecord]:
        """The sandboxes there are, oldest first; one being destroyed is still there."""
        return list(self.sandboxes_by_id.values())

    def snapshot(self, id_or_name: str) -> SnapshotRecord:
        """Return the snapshot with this id or name; 404 when there is none.

        A name of the organisation's own goes before a general one.
        """
        found = self.snapshots_by_id.get(id_or_name)
        if found is not None:
            return found
        named = [record for record in self.snapshots if record.name == id_or_name]
        if not named:
            raise not_found(f"Snapshot with name {id_or_name} not found")
        return min(named, key=lambda record: record.general)

    def snapshot_by_uuid(self, id_: str) -> SnapshotRecord:
        """Return the snapshot with this id; 404 when there is none, 400 for the name of one."""
        found = self.snapshot(id_)
        if not is_uuid(id_):
            raise bad_request("Validation failed (uuid is expected)")
        return found

    def sandbox(self, id_or_name: str) -> SandboxRecord:
        """Return the sandbox with this id or name; 404 when there is none.

        By name one is not found for a while after another of that name was deleted.
        """
        found = self.sandboxes_by_id.get(id_or_name)
        if found is not None:
            return found
        if self.gone_names.get(id_or_name, 0.0) <= time.monotonic():
            for record in self.sandboxes:
                if record.name == id_or_name:
                    return record
            if id_or_name in self.gone_names:
                self.gone_names[id_or_name] = time.monotonic() + self.timing.name_cache
        raise not_found(f"Sandbox with ID or name {id_or_name} not found")

    def sandbox_named(self, name: str) -> SandboxRecord | None:
        """Return the sandbox of this name, past the look-up cache."""
        return next((record for record in self.sandboxes if record.name == name), None)
