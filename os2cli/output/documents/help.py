"""The documents of ``help`` and of ``schema`` without a command."""

from __future__ import annotations

from dataclasses import dataclass

from os2cli.core.errors import exit_codes
from os2cli.output.documents.document import Document
from os2cli.settings.describe import declared_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDocument:
    """A topic and what it is about."""

    name: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsDocument(Document):
    """``help`` without a topic."""

    topics: list[TopicDocument]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCodeDocument:
    """An exit code and its meaning."""

    code: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCodesDocument(Document):
    """``help exit-codes``."""

    exit_codes: list[ExitCodeDocument]

    @classmethod
    def current(cls) -> ExitCodesDocument:
        """Describe all of them."""
        return cls(
            exit_codes=[ExitCodeDocument(code=c, meaning=m) for c, m in exit_codes().items()]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableDocument:
    """A variable; ``key`` is its name in ``os2.toml``, ``default`` is text or null."""

    variable: str
    key: str | None
    about: str
    default: str | None
    secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDocument(Document):
    """``help environment``."""

    variables: list[VariableDocument]

    @classmethod
    def current(cls) -> EnvironmentDocument:
        """Describe all of them."""
        return cls(
            variables=[
                VariableDocument(
                    variable=declared.variable,
                    key=declared.key,
                    about=declared.help,
                    default=declared.default or None,
                    secret=declared.secret,
                )
                for declared in declared_variables()
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentedCommands(Document):
    """``help json`` and ``schema`` without a command: the commands that have a schema."""

    commands: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionDocument:
    """An option or argument of a command, with all its names."""

    names: list[str]
    about: str | None
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHelpDocument(Document):
    """``help COMMAND``."""

    command: str
    usage: str
    about: str
    options: list[OptionDocument]
    commands: list[str]
