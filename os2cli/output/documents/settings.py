"""The documents of ``config`` and ``stage``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from os2cli.core.stage import Stage
from os2cli.output.documents.document import Document
from os2cli.settings.describe import Setting
from os2cli.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDocument:
    """A setting; ``value`` is null if unset, and always for a secret.

    ``origin`` is a variable's name, a file's path, ``default`` or ``not set``.
    """

    name: str
    variable: str
    value: str | None
    origin: str
    secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDocument(Document):
    """``config``: every setting, and the files; ``repository_file`` is null outside a repository.

    The two files are those that are looked for, whether or not they are there.
    """

    settings: list[SettingDocument]
    state_dir: str
    cache_dir: str
    user_file: str
    repository_file: str | None

    @classmethod
    def of(cls, settings: Settings, described: Iterable[Setting]) -> ConfigDocument:
        """Describe the settings as they are."""
        return cls(
            settings=[
                SettingDocument(
                    name=setting.name,
                    variable=setting.variable,
                    value=setting.value,
                    origin=setting.origin,
                    secret=setting.secret,
                )
                for setting in described
            ],
            state_dir=str(settings.state_dir),
            cache_dir=str(settings.cache_dir),
            user_file=str(settings.user_file),
            repository_file=str(settings.repository_file) if settings.repository_file else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDocument(Document):
    """``stage``."""

    stage: str
    kind: str
    prefix: str
    origin: str
    warning: str | None

    @classmethod
    def of(cls, stage: Stage) -> StageDocument:
        """Describe a stage."""
        return cls(
            stage=stage.name,
            kind=stage.kind.value,
            prefix=stage.prefix,
            origin=stage.origin,
            warning=stage.warning,
        )
