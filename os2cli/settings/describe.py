"""Every setting and recognised variable with its value and where it came from, secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from os2cli.core.redaction import mask_userinfo
from os2cli.settings import declared
from os2cli.settings.declared import OPTIONS, Variable
from os2cli.settings.settings import Settings

NOT_SET = "not set"
_VARIABLES = (
    *declared.CREDENTIALS,
    *declared.STAGE,
    *declared.ENGINE,
    *declared.TERMINAL,
    *declared.ANALYTICS,
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A variable that os2 reads; ``key`` is what it is called in a file, if it may stand in one."""

    variable: str
    key: str | None
    help: str
    default: str
    secret: bool = False


def declared_variables() -> list[Declaration]:
    """All of them, in the order in which they are told."""
    return [
        *(Declaration(o.variable, o.key, o.help, o.default or o.otherwise) for o in OPTIONS),
        *(Declaration(v.name, None, v.help, v.default, v.secret) for v in _VARIABLES),
    ]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is now.

    ``name`` is its key in a file, or that of the variable when it has none there. ``origin`` is a
    variable, a file's path, ``default`` or ``not set``. ``value`` is None when there is none, and
    that of a secret always.
    """

    name: str
    variable: str
    value: str | None
    origin: str
    secret: bool = False


def describe_settings(settings: Settings) -> list[Setting]:
    """All of them, in the order of their declaration."""
    access = settings.daytona
    # Whether a secret is set is all that is told of it.
    credentials = dict(
        zip(
            declared.names(declared.CREDENTIALS),
            (access.api_key, access.jwt, access.organization),
            strict=True,
        )
    )
    known = {
        **settings.variables,
        **settings.analytics,
        **{name: text for name, text in credentials.items() if text},
    }
    return [
        *(
            Setting(
                option.key,
                option.variable,
                _shown(settings.values[option.key]),
                settings.origins[option.key],
            )
            for option in OPTIONS
        ),
        *(_of_variable(variable, known) for variable in _VARIABLES),
    ]


def _of_variable(variable: Variable, known: Mapping[str, str]) -> Setting:
    value = known.get(variable.name)
    return Setting(
        variable.name,
        variable.name,
        None if variable.secret else _shown(value),
        variable.name if value else NOT_SET,
        variable.secret,
    )


def _shown(value: str | None) -> str | None:
    return mask_userinfo(value) if value else None
