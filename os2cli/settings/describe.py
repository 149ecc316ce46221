"""Every setting and recognised variable with its value and origin, secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from os2cli.core.redaction import mask_address
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
    """A variable that os2 reads; ``key`` is its name in a file, None if it cannot be in one."""

    variable: str
    key: str | None
    help: str
    default: str
    secret: bool = False


def declared_variables() -> list[Declaration]:
    """Return all declarations, in the order of documentation."""
    return [
        *(Declaration(o.variable, o.key, o.help, o.default or o.otherwise) for o in OPTIONS),
        *(Declaration(v.name, None, v.help, v.default, v.secret) for v in _VARIABLES),
    ]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting and its current value.

    ``name`` is its key in a file, else its variable. ``origin`` is a variable, a file's path,
    ``default`` or ``not set``. ``value`` is None when unset, and always for a secret.
    """

    name: str
    variable: str
    value: str | None
    origin: str
    secret: bool = False


def describe_settings(settings: Settings) -> list[Setting]:
    """Return all settings, in the order of their declaration."""
    access = settings.daytona
    # Of a secret, only whether it is set is shown.
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
    return mask_address(value) if value else None
