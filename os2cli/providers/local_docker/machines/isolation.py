"""What a container is kept from: the engine's options for each ``--isolation``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docker.errors import DockerException
from docker.types import LogConfig
from docker.utils import parse_bytes

from os2cli.core.errors import UsageError
from os2cli.core.limits import Isolation, Limits
from os2cli.core.models import MachineSpec
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.shapes import items, mapping, number

MAX_PROCESSES = 2048
LOG_BYTES = 30 * 1024 * 1024
# The engine starts a new file when one is full, and removes the oldest.
LOG_FILES = 3
# The drivers that keep files of a limited size; both are read by ``machine logs``.
BOUNDED_LOGS = ("json-file", "local")
# A machine that uses all it may leaves this to the host: a tenth, at least 512 MiB, but at most
# a quarter.
RESERVE_SHARE, MIN_RESERVE_BYTES, MAX_RESERVE_SHARE = 10, 512 * 1024 * 1024, 4
RESERVED_CPUS = 0.25
# What programs expect to write to beside their home. The engine fills a volume with what the image
# has there, and its owners; it is removed with the container.
WRITABLE = ("/run", "/var/log", "/var/tmp", "/opt/os2/state")  # noqa: S108  # in the container
TEMPORARY = {"/tmp": "exec,mode=1777"}  # noqa: S108  # in the container
CERTIFICATES = "/etc/ssl/certs"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine can enforce, and what it has."""

    memory_bytes: int = 0
    cpus: int = 0
    limits_memory: bool = True
    limits_swap: bool = True
    limits_cpus: bool = True
    limits_processes: bool = True
    log_driver: str = ""
    pools: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: Any) -> EngineFacts:
        """Read the answer to ``GET /info``; what is missing or not as documented is not known."""
        known = mapping(info)
        bases = [mapping(pool).get("Base") for pool in items(known.get("DefaultAddressPools"))]
        return cls(
            memory_bytes=number(known, "MemTotal") or 0,
            cpus=number(known, "NCPU") or 0,
            limits_memory=known.get("MemoryLimit") is not False,
            limits_swap=known.get("SwapLimit") is not False,
            limits_cpus=known.get("CpuCfsQuota") is not False,
            limits_processes=known.get("PidsLimit") is not False,
            log_driver=str(known.get("LoggingDriver") or ""),
            pools=tuple(base for base in bases if isinstance(base, str)),
        )


def engine_facts(engine: Engine) -> EngineFacts:
    """Ask the engine for its facts."""
    with engine.errors("reading what the engine can limit"):
        return EngineFacts.of(engine.client.info())


def limits_of(spec: MachineSpec, facts: EngineFacts) -> Limits:
    """Return the limits of a new machine: the user's, else those that leave the host alive.

    Raises:
        UsageError: the user asks for more CPUs than the engine has, or for a size of a log whose
            driver has none.
    """
    asked = spec.resources
    if asked.cpu and 0 < facts.cpus < asked.cpu:
        count = "1 CPU" if facts.cpus == 1 else f"{facts.cpus} CPUs"
        raise UsageError(
            f"--cpu: {asked.cpu:g} is more than the engine has: {count}",
            hint=f"choose at most {facts.cpus}, or leave --cpu out",
            code="option_invalid",
        )
    log_bytes = asked.log_bytes
    if log_bytes and facts.log_driver not in ("", *BOUNDED_LOGS):
        raise UsageError(
            f"--log-size: the engine's log driver {facts.log_driver!r} has no limit of its own",
            hint=f"leave it out, or let the engine use {BOUNDED_LOGS[0]}",
            code="option_invalid",
        )
    if spec.isolation is Isolation.OFF:
        return Limits(asked.cpu, asked.memory_bytes, log_bytes=log_bytes)
    bounded = facts.log_driver in BOUNDED_LOGS
    return Limits(
        cpus=asked.cpu or (_cpus(facts.cpus) if facts.limits_cpus else None),
        memory_bytes=asked.memory_bytes
        or (_memory(facts.memory_bytes) if facts.limits_memory else None),
        processes=MAX_PROCESSES if facts.limits_processes else None,
        log_bytes=log_bytes or (LOG_BYTES if bounded else None),
    )


def _memory(total: int) -> int | None:
    reserve = max(total // RESERVE_SHARE, MIN_RESERVE_BYTES)
    return total - min(reserve, total // MAX_RESERVE_SHARE) or None


def _cpus(count: int) -> float | None:
    return count - RESERVED_CPUS if count > 1 else None


def host_options(spec: MachineSpec, limits: Limits, facts: EngineFacts) -> dict[str, Any]:
    """Return the arguments of ``create_host_config`` that isolate and limit a container."""
    options = _limit_options(limits, facts, asked=spec.resources.memory_bytes is not None)
    if spec.isolation is not Isolation.OFF:
        options |= {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
    if spec.isolation is Isolation.STRICT:
        options |= {"read_only": True, "tmpfs": TEMPORARY}
    return options


def _limit_options(limits: Limits, facts: EngineFacts, *, asked: bool) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if limits.cpus is not None:
        options["nano_cpus"] = round(limits.cpus * 1e9)
    if limits.memory_bytes is not None:
        options["mem_limit"] = limits.memory_bytes
        # Without the second limit the engine adds the same amount of swap.
        if asked or facts.limits_swap:
            options["memswap_limit"] = limits.memory_bytes
    if limits.processes is not None:
        options["pids_limit"] = limits.processes
    if limits.log_bytes is not None:
        options["log_config"] = LogConfig(
            type=facts.log_driver or BOUNDED_LOGS[0],
            config={
                "max-size": str(max(limits.log_bytes // LOG_FILES, 1)),
                "max-file": str(LOG_FILES),
            },
        )
    return options


def writable_directories(image: Any, *, certificates: bool) -> list[str]:
    """Return what stays writable on a read-only root, from the engine's inspection of the image.

    ``certificates``: this host's are added to the container, for which the engine needs a volume.
    """
    config = mapping(image, "Config")
    variables = dict(str(each).partition("=")[::2] for each in items(config.get("Env")))
    home, work = variables.get("HOME", "/root"), str(config.get("WorkingDir") or "")
    wanted = [home, work, *WRITABLE, *([CERTIFICATES] if certificates else [])]
    directories: list[str] = []
    for path in (each.rstrip("/") for each in wanted):
        inside = any(f"{path}/".startswith(f"{known}/") for known in directories)
        if path.startswith("/") and not inside:
            directories.append(path)
    return directories


def limits_in_force(host_config: Any) -> Limits:
    """Return the limits of a container, from the engine's inspection of it."""
    return Limits(
        cpus=(number(host_config, "NanoCpus") or 0) / 1e9 or None,
        memory_bytes=number(host_config, "Memory") or None,
        processes=number(host_config, "PidsLimit") or None,
        log_bytes=_log_bytes(mapping(host_config, "LogConfig", "Config")),
    )


def _log_bytes(config: Mapping[str, Any]) -> int | None:
    try:
        files = int(config.get("max-file", "1"))
        return files * int(parse_bytes(config["max-size"]))
    except (KeyError, ValueError, TypeError, DockerException):
        return None
