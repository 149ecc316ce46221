"""The documents of ``machine exec``, ``url``, ``open``, ``cp`` and ``logs``."""

from __future__ import annotations

from dataclasses import dataclass

from os2cli.core.models import Address
from os2cli.machines.copying import Copied
from os2cli.output.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDocument(Document):
    """``machine exec``: the command exits with the program's exit code."""

    exit_code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, exit_code: int, stdout: bytes, stderr: bytes) -> ExecutionDocument:
        """Describe a run; bytes that are not UTF-8 are replaced."""
        return cls(
            exit_code=exit_code,
            stdout=stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressDocument(Document):
    """``machine url`` and ``machine open``; ``header`` only if requested."""

    name: str
    port: int
    url: str
    signed: bool
    private: bool
    header: str | None

    @classmethod
    def of(
        cls, name: str, port: int, address: Address, *, signed: bool, header: str | None
    ) -> AddressDocument:
        """Describe an address."""
        return cls(
            name=name,
            port=port,
            url=address.url,
            signed=signed,
            private=address.token is not None,
            header=header,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OmissionDocument:
    """An entry that a copy is without; ``failed`` if it could not be read."""

    path: str
    reason: str
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDocument(Document):
    """``machine cp``.

    ``left_out`` and ``changed`` (while it was read) are whole if ``is_whole``; ``left_out_count``
    counts those that are known.
    """

    source: str
    target: str
    archive_bytes: int
    left_out: list[OmissionDocument]
    left_out_count: int
    changed: list[str]
    is_whole: bool

    @classmethod
    def of(cls, source: str, target: str, copied: Copied) -> CopyDocument:
        """Describe a copy."""
        omissions = copied.omissions
        return cls(
            source=source,
            target=target,
            archive_bytes=copied.archive_bytes,
            left_out=[
                OmissionDocument(path=item.path, reason=item.reason, failed=item.failed)
                for item in omissions.items
            ],
            left_out_count=omissions.number,
            changed=list(omissions.changed),
            is_whole=omissions.is_whole,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDocument(Document):
    """``machine logs`` and ``snapshot logs``; ``service`` is null for a whole log."""

    name: str
    service: str | None
    lines: list[str]
