"""Taking back one create: nothing that it made may stay in silence."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from os2cli.core.deadline import within
from os2cli.core.errors import NotFound, Os2Error, Unreachable
from os2cli.core.progress import Progress
from os2cli.host.interrupts import BackgroundCall
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import HURRIED_SECONDS
from os2cli.providers.local_docker.machines.containers import container_name, remove_container
from os2cli.providers.local_docker.machines.networks import remove_networks

# After Ctrl-C the user must not wait longer, and waits less for an engine that hangs.
UNDO_SECONDS = 4.5
_ANSWER_SECONDS = 0.5
_NETWORK_SECONDS = 2.0
# The request did not even reach an engine.
_NOT_SENT = ("engine_refused", "engine_socket_missing", "engine_permission", "engine_host_unknown")


class Undoing:
    """What undoes the create of one machine.

    Its container is found by its name and by ``mark``, a label of this create alone: the answer
    that has its id may be lost or still to come.
    """

    def __init__(self, engine: Engine, name: str, progress: Progress) -> None:
        self.engine = engine
        self.name = name
        self.progress = progress
        self.mark = uuid.uuid4().hex
        self._network: BackgroundCall[str] | None = None
        self._create: BackgroundCall[str] | None = None

    def answer_of(self, create: Callable[[], str]) -> str:
        """Send the request that creates the container and return its answer, its id.

        A signal ends the wait for it at once.
        """
        self._create = BackgroundCall(create, at_once=False)
        return self._create.answer()

    def network_of(self, create: Callable[[], str]) -> str:
        """Send the request that creates the network and return its answer, in the same way."""
        self._network = BackgroundCall(create, at_once=False)
        return self._network.answer()

    @contextmanager
    def on_failure(self) -> Iterator[None]:
        """Undo what was created when the block raises, also by a signal."""
        try:
            yield
        except BaseException as error:
            create = self._may_exist(error)
            if create is not None or self._network is not None:
                self._run(create, error)
            raise

    def _may_exist(self, error: BaseException) -> BackgroundCall[str] | None:
        """Return the request that may have created the container, if one did."""
        create = self._create
        if create is None or not create.sent:
            return None
        refused = isinstance(error, Os2Error) and error.code in _NOT_SENT
        return None if create.result_within(_ANSWER_SECONDS) is None and refused else create

    def _run(self, create: BackgroundCall[str] | None, error: BaseException) -> None:
        try:
            with within(UNDO_SECONDS):
                if create is not None:
                    self._remove_container(create)
                if self._network is not None:
                    self._remove_network(self._network)
        except Os2Error as failure:
            self._report(error, failure)

    def _remove_network(self, create: BackgroundCall[str]) -> None:
        # One that the engine is still making is not in its list yet.
        create.result_within(_NETWORK_SECONDS)
        remove_networks(self.engine, self.name, request=self.mark)
        if not create.ended:
            raise Unreachable("the engine has not answered yet", hint="look for it: os2 doctor")

    def _remove_container(self, create: BackgroundCall[str]) -> None:
        container = self._find()
        if container is not None:
            self.progress.notice(f"rolling back: removing {self.name}")
            remove_container(self.engine, container)
        elif not create.ended:
            raise Unreachable("the engine has not answered yet", hint="look for it: os2 doctor")

    def _find(self) -> str | None:
        """Return the id of the container that this create made, or None."""
        try:
            with self.engine.errors("looking for it"), within(HURRIED_SECONDS):
                found = self.engine.client.inspect_container(container_name(self.name))
        except NotFound:
            return None
        marks = found["Config"].get("Labels") or {}
        return str(found["Id"]) if marks.get(labels.REQUEST) == self.mark else None

    def _report(self, error: BaseException, failure: Os2Error) -> None:
        """Name the command that removes what is left, in the error's hint if it has one."""
        self.progress.warn(f"machine {self.name} may still exist: {failure.message}")
        removal = f"os2 machine rm {self.name}"
        if isinstance(error, Os2Error):
            error.hint = f"when the engine answers again, remove what may be left: {removal}"
        else:
            self.progress.warn(f"remove it: {removal}")
