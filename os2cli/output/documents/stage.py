"""The document of ``stage``."""

from __future__ import annotations

from os2cli.core.stage import Stage
from os2cli.output.documents.document import Document


class StageDocument(Document):
    """``stage``."""

    stage: str
    kind: str
    prefix: str
    origin: str
    warning: str | None

    @classmethod
    def of(cls, stage: Stage) -> StageDocument:
        """The document of a stage."""
        return cls(
            stage=stage.name,
            kind=stage.kind.value,
            prefix=stage.prefix,
            origin=stage.origin,
            warning=stage.warning,
        )
