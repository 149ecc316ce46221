"""A user's value that the engine refuses: each with what to do, instead of the engine's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from os2cli.core.errors import OperationFailed, Os2Error, UsageError
from os2cli.core.limits import binary_size
from os2cli.core.models import MachineSpec
from os2cli.machines.next_steps import needs_less_isolation

# Of Docker 20.10 to 29, Podman 4 and 5, and their runtimes.
_NAME = re.compile(r"invalid reference format", re.IGNORECASE)
_CPUS = re.compile(r"nanocpus can ?not be set|range of cpus", re.IGNORECASE)
_MEMORY = re.compile(r"oom-killed|memory limit (?:is )?too low|minimum memory", re.IGNORECASE)
_IMAGE = re.compile(
    r"no command (?:specified|or entrypoint)[^:]*"
    r"|exec: (?:(?!exec: ).){1,300}?(?=: unknown|: OCI runtime|$)"
    r"|exec(?:utable file| format error).{0,200}?(?=: unknown|: OCI runtime|$)"
    r"|unable to find (?:user|group) .{1,200}?(?=:|$)",
    re.IGNORECASE | re.DOTALL,
)
_PRIVILEGED = re.compile(
    r"privileged port|(?:bind|listen).{0,200}permission denied", re.IGNORECASE | re.DOTALL
)

_FIX = "fix the USER, ENTRYPOINT and CMD of its Dockerfile, or use another: --snapshot IMAGE"


@contextmanager
def values_explained(spec: MachineSpec) -> Iterator[None]:
    """Turn what an engine refuses in the block into a failure that names the user's value."""
    try:
        yield
    except OperationFailed as error:
        if explained := _explained(spec, error.message):
            raise explained from error
        raise


def port_refused(port: int, message: str) -> UsageError | None:
    """Return the failure for a port that the engine may not open; None: it is another failure."""
    if not _PRIVILEGED.search(message):
        return None
    return UsageError(
        f"--port: this engine may not open port {port}: it runs without the rights of root",
        hint="choose one from 1024 on, or leave --port out to get a free one",
        code="option_invalid",
    )


def _explained(spec: MachineSpec, message: str) -> Os2Error | None:
    asked = spec.resources
    if _NAME.search(message):
        return UsageError(
            f"invalid image {spec.snapshot!r}",
            hint="name one as [HOST/]NAME[:TAG], NAME in lower case: --snapshot IMAGE",
            code="option_invalid",
        )
    if asked.cpu is not None and _CPUS.search(message):
        return UsageError(
            f"--cpu: the engine cannot limit a machine to {asked.cpu:g} CPUs",
            hint="choose another number, or leave --cpu out",
            code="option_invalid",
        )
    if asked.memory_bytes is not None and _MEMORY.search(message):
        return UsageError(
            f"--memory: {binary_size(asked.memory_bytes)} is too little to start the machine",
            hint="give it more: --memory SIZE",
            code="option_invalid",
        )
    if found := _IMAGE.search(message):
        return OperationFailed(
            f"image {spec.snapshot} cannot start: {found[0].strip()}",
            hint=needs_less_isolation(spec, [message]) or _FIX,
            code="image_unusable",
        )
    return None
