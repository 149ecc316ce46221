"""The document of ``config``."""

from __future__ import annotations

from pydantic import BaseModel

from os2cli.output.documents.document import Document
from os2cli.settings.describe import describe_settings
from os2cli.settings.settings import Settings


class SettingDocument(BaseModel):
    """A setting; ``value`` is null when there is none, and that of a secret always.

    ``origin`` is a variable's name, a file's path, ``default`` or ``not set``.
    """

    name: str
    variable: str
    value: str | None
    origin: str
    secret: bool


class ConfigDocument(Document):
    """``config``: every setting, and where files are; ``repository_file`` is null outside of any.

    The two files are those that are looked for, whether or not they are there.
    """

    settings: list[SettingDocument]
    state_dir: str
    cache_dir: str
    user_file: str
    repository_file: str | None

    @classmethod
    def of(cls, settings: Settings) -> ConfigDocument:
        """The document of the settings as they are."""
        return cls(
            settings=[
                SettingDocument(
                    name=setting.name,
                    variable=setting.variable,
                    value=setting.value,
                    origin=setting.origin,
                    secret=setting.secret,
                )
                for setting in describe_settings(settings)
            ],
            state_dir=str(settings.state_dir),
            cache_dir=str(settings.cache_dir),
            user_file=str(settings.user_file),
            repository_file=str(settings.repository_file) if settings.repository_file else None,
        )
