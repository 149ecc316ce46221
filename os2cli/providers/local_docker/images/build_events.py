"""The events of ``POST /build``, from either builder, as progress and a result."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import Progress
from os2cli.providers.local_docker.engine.failures import disk_full, is_disk_full
from os2cli.providers.local_docker.images.build_lines import BuildLines
from os2cli.providers.local_docker.images.buildkit_trace import Step, Trace, decode_trace

TAIL_LINES = 20
FILE_NOT_FOUND = "file_not_found"
# The classic builder's steps, and Podman's, which counts those of each stage.
_CLASSIC_STEP = re.compile(r"(?:\[\d+/\d+\] )?(?:Step|STEP) (\d+)/(\d+) ?: (.*)")
# What BuildKit was doing with its own parts.
_WHERE = re.compile(
    r"(?:failed to solve(?: with frontend \S+)?: )?(?:failed to create LLB definition: )?"
    r"(?:failed to (?:load cache key|compute cache key): )?"
)
# Of BuildKit, of the classic builder and of Podman.
_NO_FILE = re.compile(
    r'(?:cache key|checksum of ref \S+): "/([^"]*)":? not found'
    # A path below that of a mounted layer: overlay2/ID/merged, buildkit-mount12, …
    r"|\blstat /(?:\S{1,200}?/(?:[0-9a-z]{25,64}(?:/merged)?|buildkit-mount\d+)/)?(.{1,300}?): "
    r"(?:no such file or directory|not a directory)"
    r"|(?:COPY|ADD) failed: (?:file not found in build context or excluded by \.dockerignore: )?"
    r"stat (.{1,300}?): file does not exist"
    r'|copier: stat: \[?"/([^"]*)"\]?: no such file or directory'
)
# "secret npm not found: not found" of Docker 20.10, "secret npm: not found" of newer ones.
_NO_SECRET = re.compile(r"\bsecret (\S+?):?(?: not found)?:? not found\b")
_NO_AGENT = re.compile(r"\bno SSH agent (\S+)|unset ssh forward key (\S+)")


class BuildEvents:
    """One build's progress; ``image_id`` is set on success, ``record`` gets every line.

    ``mask`` hides what no log may hold.
    """

    def __init__(
        self,
        progress: Progress,
        record: Callable[[str], None] = lambda _: None,
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.progress = progress
        self.record = record
        self.mask = mask
        self.image_id: str | None = None
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._steps: dict[str, Step] = {}
        self._sources: dict[str, BuildLines] = {}

    def follow(self, events: Iterable[Mapping[str, Any]]) -> str:
        """Read all events and return the image's id.

        Raises:
            OperationFailed: the build failed; ``log_tail`` holds its last lines.
        """
        for event in events:
            if "error" in event:
                raise self._failure(str(event["error"]))
            self._take(event)
        if self.image_id is None:
            raise self._failure("the engine returned no image")
        return self.image_id

    def _take(self, event: Mapping[str, Any]) -> None:
        aux = event.get("aux")
        if event.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
            self._take_trace(decode_trace(aux))
        elif isinstance(aux, Mapping) and "ID" in aux:
            self.image_id = str(aux["ID"])
        elif "stream" in event:
            self._take_stream(str(event["stream"]))
        elif "status" in event:
            self.progress.status(f"{event['status']} {event.get('progress', '')}".strip())

    def _take_stream(self, text: str) -> None:
        step = _CLASSIC_STEP.match(text)
        if step:
            self.progress.status(self.mask(f"[{step[1]}/{step[2]}] {step[3].strip()}"))
        self._log("classic", text)
        if text.startswith("Successfully built ") and self.image_id is None:
            self.image_id = text.rsplit(maxsplit=1)[-1]

    def _take_trace(self, trace: Trace) -> None:
        for step in trace.steps:
            before = self._steps.get(step.digest)
            self._steps[step.digest] = step
            if step.error:
                self._write(f"{step.name}: {step.error}")
            elif step.started and (before is None or not before.started):
                # Steps named [internal] are the builder's housekeeping.
                if not step.name.startswith("[internal]"):
                    self._write(step.name + (" (cached)" if step.cached else ""))
                self._show(step)
        for writer, message in trace.log:
            self._log(writer, message.decode(errors="replace"))

    def _show(self, step: Step) -> None:
        if step.cached or not step.name.startswith("[") or step.name.startswith("[internal]"):
            return
        # A RUN of several lines keeps their indentation in its name.
        self.progress.status(" ".join(self.mask(step.name).split()))

    def _log(self, source: str, text: str) -> None:
        """Write whole lines; a line may come in pieces, and steps write concurrently."""
        lines = self._sources.setdefault(source, BuildLines(self.mask))
        for line in lines.add(text):
            self._write_masked(line)

    def _write(self, line: str) -> None:
        self._write_masked(self.mask(line))

    def _write_masked(self, line: str) -> None:
        if line.strip():
            self.tail.append(line.rstrip())
            self.progress.log(line.rstrip())
            self.record(line.rstrip())

    def _failure(self, reason: str) -> OperationFailed:
        for lines in self._sources.values():
            self._write_masked(lines.end())
        reason = self.mask(reason)
        tail = tuple(self.tail)
        if is_disk_full(reason, *self.tail):
            return disk_full("cannot build the image", tail)
        if found := _NO_SECRET.search(reason):
            return OperationFailed(
                f"cannot build the image: the Dockerfile requires secret {found[1]}",
                hint=f"pass it: os2 snapshot local-docker --secret id={found[1]}",
                code="secret_missing",
                log_tail=tail,
            )
        if found := _NO_AGENT.search(reason):
            name = found[1] or found[2]
            return OperationFailed(
                f"cannot build the image: the Dockerfile requires the SSH agent {name}",
                hint=f"pass it: os2 snapshot local-docker --ssh {name}",
                code="secret_missing",
                log_tail=tail,
            )
        if found := _NO_FILE.search(reason):
            path = next(filter(None, found.groups()), "/")
            return OperationFailed(
                f"cannot build the image: {path} is not where the Dockerfile copies it from",
                hint="list what is in the build context: os2 snapshot context",
                code=FILE_NOT_FOUND,
                details={"path": path},
                log_tail=tail,
            )
        return OperationFailed(
            f"cannot build the image: {_WHERE.sub('', reason.strip(), count=1)}",
            hint="the end of the build log is above; to see all of it, use -v",
            code="build_failed",
            log_tail=tail,
        )
