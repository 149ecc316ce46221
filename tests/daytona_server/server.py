"""A server that behaves like Daytona's API, for tests: started in a thread, gone afterwards."""

from __future__ import annotations

import asyncio
import re
import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.daytona_server.app import make_app
from tests.daytona_server.build_logs import BuildLog
from tests.daytona_server.connections import HOST, Listeners
from tests.daytona_server.faults import Fault
from tests.daytona_server.gate import Gate
from tests.daytona_server.keys import PERMISSIONS
from tests.daytona_server.preview import Previews
from tests.daytona_server.rate_limits import Window
from tests.daytona_server.records import RUNNER, RecordedRequest, SandboxRecord, SnapshotRecord
from tests.daytona_server.registry import Registry
from tests.daytona_server.snapshot_rules import IDLE, build_hash, entrypoint_of
from tests.daytona_server.state import FailingBuild, World
from tests.daytona_server.storage import S3Storage
from tests.daytona_server.timing import Timing
from tests.daytona_server.ttl import watch_ttls
from tests.daytona_server.versions import without

START_SECONDS = 30.0
# Each may be at something that takes the engine a while.
WORKERS = 32


class DaytonaServer(World):
    """The server; see ``World`` for what a test may look at and set.

    With ``engine_url`` snapshots are really built and sandboxes are containers; without, builds
    succeed by themselves, and what runs in a sandbox is a process of this host, in a directory
    that is removed with the sandbox. ``version`` is one of ``versions``; without, the environment
    chooses.
    """

    def __init__(
        self,
        engine_url: str | None = None,
        storage: S3Storage | None = None,
        registry: Registry | None = None,
        timing: Timing | None = None,
        *,
        check_answers: bool = True,
        version: str | None = None,
    ) -> None:
        super().__init__(timing or Timing(), version)
        self.engine_url = engine_url
        self.storage = storage
        self.registry = registry
        self.check_answers = check_answers
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="daytona-test-server", daemon=True)

    # --- life -------------------------------------------------------------------------------

    def __enter__(self) -> DaytonaServer:
        """Listen on a free port of 127.0.0.1."""
        if self.engine_url is not None:
            from tests.daytona_server.containers import Containers

            self.engine = Containers(self.engine_url)
            self.owned.callback(self.engine.close)
        self._thread.start()
        if not self._listening.wait(START_SECONDS) or self._failure is not None:
            self.owned.close()
            raise RuntimeError("the Daytona test server did not start") from self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.closing.set)
        self._thread.join()
        self.owned.close()

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(WORKERS, "daytona-test-server") as self.workers:
                asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # told where the server is started
            self._failure = error
            self._listening.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        listeners = Listeners()
        self.previews = Previews(self, listeners)
        gate = Gate(self, make_app(self, check_answers=self.check_answers))
        self.origin = f"http://{HOST}:{await listeners.listen(gate, sockets=True)}"
        self.other_origin = f"http://{HOST}:{await listeners.listen(gate)}"
        self.spawn(watch_ttls(self))
        self._listening.set()
        await self.closing.wait()
        await listeners.close()
        if self.gateway is not None:
            await self.gateway.close()
        await self.in_thread(self.places.close)
        if self.engine is not None:
            # A command in there might go on forever, and its thread with it.
            await self.in_thread(self.engine.remove_all)
        await self.settle()
        await self.places.processes.close()
        await self.previews.client.aclose()

    # --- what a test looks at ---------------------------------------------------------------

    @property
    def url(self) -> str:
        """The base of the API, which ends in ``/api``."""
        return f"{self.origin}/api"

    @property
    def refused_logins(self) -> int:
        """How many requests had no key, or a wrong one."""
        return self.keys.refused

    @property
    def ssh_host_key(self) -> str:
        """The public key that SSH shows: kind and key, as in a file of known hosts."""
        return self.open_gateway().host_key

    def seen(self, method: str, path: str) -> list[RecordedRequest]:
        """Return the requests of ``method`` for a path below ``/api``, or for a pattern of one."""
        return [
            request
            for request in list(self.requests)
            if request.method == method
            and (request.path == path or re.fullmatch(path, request.path))
        ]

    def home(self, id_or_name: str) -> Path:
        """Return the home directory of a sandbox without a container."""
        return self.places.of(self.sandbox(id_or_name)).home

    def add_program(self, id_or_name: str, name: str, script: str) -> None:
        """Put a shell script where a sandbox without a container looks for programs first."""
        program = self.places.of(self.sandbox(id_or_name)).programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def sandbox_container(self, id_or_name: str) -> str:
        """Return the id of the container of a sandbox."""
        container = self.sandbox(id_or_name).container
        assert container is not None, f"sandbox {id_or_name} has no container"
        return container

    # --- what a test arranges ---------------------------------------------------------------

    def add_key(
        self,
        permissions: Iterable[str] = PERMISSIONS,
        expires: datetime | None = None,
        name: str = "another",
    ) -> str:
        """Make another API key."""
        return self.keys.add(permissions, expires, self.now(), name).value

    def fail_next(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """Let the next ``times`` requests whose path below ``/api`` matches meet ``fault``.

        Beside the API a path is the whole one (``/logs/…``, ``/toolbox/…``); a preview's is
        ``/preview`` and what follows its address, and only ``status`` and ``delay`` work there.
        """
        self.faults.add(method, path, fault, times)

    def rate_limit(self, name: str, retry_after: int = 1, times: int = 1) -> None:
        """Answer the next ``times`` requests of a limiter with 429.

        ``authenticated`` (every request with a key), ``sandbox-create``, ``sandbox-lifecycle``,
        ``sandbox-list`` or ``anonymous``.
        """
        self.limits.add(name, retry_after, times)

    def limit_rate(self, name: str, limit: int, seconds: float) -> None:
        """Let a limiter take ``limit`` requests in ``seconds``, as the real ones do.

        Those of ``rate_limit``, and ``failed-auth``, which blocks an address.
        """
        if name == "failed-auth":
            self.keys.limit, self.keys.kept_out = limit, seconds
        else:
            self.limits.windows[name] = Window(limit, seconds)

    def fail_next_build(
        self, reason: str, *, state: str = "error", log: Iterable[str] = (), times: int = 1
    ) -> None:
        """Let the next builds or pulls end with ``reason``, after these lines of log."""
        self.failing_builds.extend([FailingBuild(reason, state, tuple(log))] * times)

    def add_sandbox(
        self,
        name: str,
        *,
        snapshot: str = "dev--20260101-000000",
        state: str = "started",
        labels: Mapping[str, str] | None = None,
        public: bool = False,
        created: datetime | None = None,
        error_reason: str | None = None,
    ) -> dict[str, Any]:
        """Have a sandbox without starting anything."""
        sandbox = SandboxRecord(
            id=str(uuid.uuid4()),
            name=name,
            organization_id=self.organization_id,
            snapshot=snapshot,
            state=state,
            created=created or self.now(),
            number=self.next_number(),
            toolbox_url=f"{self.origin}/toolbox",
            labels=dict(labels or {}),
            public=public,
            error_reason=error_reason,
        )
        self.sandboxes_by_id[sandbox.id] = sandbox
        self.index.show(sandbox.id, sandbox.item())
        return self._known(sandbox.document(), "/sandbox")

    def add_snapshot(
        self,
        name: str,
        *,
        state: str = "active",
        created: datetime | None = None,
        general: bool = False,
        error_reason: str | None = None,
        dockerfile: str | None = None,
        image_name: str | None = None,
        last_used: datetime | None = None,
        image: str | None = None,
        entrypoint: list[str] | None = None,
        cpu: int = 1,
        memory: int = 1,
        disk: int = 3,
    ) -> dict[str, Any]:
        """Have a snapshot without building it.

        With an engine, ``image`` is the one there that sandboxes are made from.
        """
        record = SnapshotRecord(
            id=str(uuid.uuid4()),
            name=name,
            state=state,
            created=created or self.now(),
            number=self.next_number(),
            organization_id=str(uuid.uuid4()) if general else self.organization_id,
            general=general,
            image_name=image_name or "",
            runner=None if state == "pending" else RUNNER,
            error_reason=error_reason,
            last_used=last_used,
            image=image,
            entrypoint=entrypoint or list(IDLE),
            cpu=cpu,
            memory=memory,
            disk=disk,
        )
        if dockerfile is not None:
            self._seed_build(record, dockerfile)
        elif image_name is None:
            record.image_name = f"registry.internal/{name}:1"
        self.snapshots_by_id[record.id] = record
        return self._known(record.document(), "/snapshots")

    def _known(self, document: dict[str, Any], path: str) -> dict[str, Any]:
        """Return what an answer below ``path`` has of a document, in this version."""
        known: dict[str, Any] = without(self.lacking.in_answer(path), document)
        return known

    def _seed_build(self, record: SnapshotRecord, dockerfile: str) -> None:
        record.dockerfile = dockerfile
        record.build_hash = build_hash(dockerfile, ())
        record.entrypoint = entrypoint_of(dockerfile)
        log = self.build_logs.setdefault(record.build_hash, BuildLog())
        log.write("#1 [internal] load build definition from Dockerfile")
        log.succeeded = log.succeeded or record.state in ("active", "inactive")
