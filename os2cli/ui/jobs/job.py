"""Jobs: tracked changes, each in its own thread, which the page follows and cancels."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from os2cli.core.cancellation import Cancellation, Interrupted, check
from os2cli.core.errors import Os2Error
from os2cli.core.progress import Progress
from os2cli.core.waiting import listening
from os2cli.output.humanize import size
from os2cli.output.phase_titles import phase_title
from os2cli.output.progress import counted
from os2cli.ui.jobs.record import Notifier, Record, shown_line

MAX_ENDED = 50


class JobState(StrEnum):
    """The state of a job."""

    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the job is over."""
        return self not in (JobState.RUNNING, JobState.CANCELLING)


@dataclass(frozen=True)
class Outcome:
    """The result of a job: one line, and titles and paths to go on with."""

    text: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass
class Job:
    """A job; ``subject`` names the machine or image it is about.

    ``command`` is the equivalent command line; the URLs of jobs and of their links are below
    ``base``. No field holds the values of variables.
    """

    procedure: str
    title: str
    subject: str = ""
    command: str = ""
    base: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    state: JobState = JobState.RUNNING
    seconds: float | None = None
    outcome: Outcome | None = None
    error: Os2Error | None = None
    notifier: Notifier = field(default_factory=Notifier, repr=False)
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False)
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.record = Record(self.notifier)
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        """The path of the job's page."""
        return f"{self.base}/jobs/{self.id}"

    @property
    def elapsed(self) -> float:
        """The duration so far, in seconds."""
        return time.monotonic() - self._started if self.seconds is None else self.seconds

    def cancel(self) -> None:
        """Ask the job to roll back and end."""
        if self.state is JobState.RUNNING:
            self.state = JobState.CANCELLING
            self.record.add_message("notice", "Cancelling and cleaning up…")
            self.cancellation.cancel()

    def run(self, work: Callable[[Progress], Outcome]) -> None:
        """Run the job in this thread and keep its result."""
        state = JobState.FAILED
        try:
            progress = JobProgress(self.record)
            with self.cancellation.listening(), listening(progress.notice):
                self.outcome = work(progress)
            state = JobState.DONE
        except Interrupted:
            state = JobState.CANCELLED
        except Os2Error as error:
            self.error = error
        except Exception as error:  # noqa: BLE001  # the page reports it, as `main` does
            self.error = Os2Error(
                f"unexpected {type(error).__name__}: {error}",
                hint="run the command again with --debug, and report the traceback",
                code="unexpected",
            )
        finally:
            self.seconds = self.elapsed
            self.state = state
            self.record.end(self.as_dict())
            self.ended.set()

    def _links(self) -> list[list[str]]:
        links = self.outcome.links if self.outcome else ()
        return [[label, f"{self.base}{path}"] for label, path in links]

    def as_dict(self) -> dict[str, Any]:
        """Return the state as the page gets it."""
        error = self.error
        return {
            "state": self.state.value,
            "seconds": round(self.elapsed, 1),
            "outcome": self.outcome.text if self.outcome else None,
            "links": self._links(),
            "error": {
                "message": shown_line(error.message),
                "hint": shown_line(error.hint) if error.hint else None,
                "log_tail": [shown_line(line) for line in error.log_tail],
            }
            if error
            else None,
        }


class JobProgress(Progress):
    """Records the progress of an operation, and ends it when the job is cancelled."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Record a phase."""
        check()
        with self.record.phase(phase_title(title)):
            yield

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Record the latest status."""
        check()
        self.record.set_status(f"{text}{counted(done, total)}")

    def transfer(self, text: str, done: int, total: int) -> None:
        """Record a transfer as a status with readable sizes."""
        self.status(f"{text} {size(done)} of {size(total)}")

    def log(self, line: str) -> None:
        """Record a log line without its terminal colours."""
        check()
        self.record.log(line)

    def notice(self, message: str) -> None:
        """Record a notice; never ends the operation, since roll-backs report with notices."""
        self.record.add_message("notice", message)

    def warn(self, message: str) -> None:
        """Record a warning."""
        self.record.add_message("warning", message)


class Jobs:
    """The running jobs of this server, and the last that ended."""

    def __init__(self, base: str = "") -> None:
        self._base = base
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self.closed = False
        self.notifier = Notifier()

    def start(self, job: Job, work: Callable[[Progress], Outcome]) -> Job:
        """Start a job; raises ``Os2Error`` while the server shuts down."""
        with self._lock:
            if self.closed:
                raise Os2Error("os2 ui is shutting down", hint="restart it: os2 ui")
            job.base = self._base
            self._jobs[job.id] = job
            self._forget_old()
        threading.Thread(target=self._run, args=(job, work), name=job.title, daemon=True).start()
        return job

    def get(self, id_: str) -> Job | None:
        """Return a job by its id."""
        return self._jobs.get(id_)

    def all(self) -> list[Job]:
        """Return all jobs, the newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def running(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return [job for job in self.all() if not job.state.ended]

    def about(self, subject: str) -> Job | None:
        """Return the running job about a subject."""
        return next((job for job in self.running() if job.subject == subject), None)

    def latest(self, subject: str) -> Job | None:
        """Return the latest job about a subject, running or not."""
        return next((job for job in self.all() if job.subject == subject), None)

    def close(self) -> list[Job]:
        """Cancel all running jobs and return them; start no more."""
        with self._lock:
            self.closed = True
        running = self.running()
        for job in running:
            job.cancel()
        self.notifier.notify()
        return running

    def _run(self, job: Job, work: Callable[[Progress], Outcome]) -> None:
        self.notifier.notify()
        job.run(work)
        self.notifier.notify()

    def _forget_old(self) -> None:
        ended = [id_ for id_, job in self._jobs.items() if job.state.ended]
        for id_ in ended[: max(0, len(ended) - MAX_ENDED)]:
            del self._jobs[id_]
