"""Doppler: the injected configuration belongs to the stage."""

from __future__ import annotations

from os2cli.core.errors import UsageError
from os2cli.core.stage import Stage, StageKind, resolve_stage
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

_NAME = "doppler"
_VARIABLES = ("DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT")
_KINDS = {
    "dev": StageKind.DEVELOPMENT,
    "stg": StageKind.STAGING,
    "prd": StageKind.PRODUCTION,
}


def check_doppler(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare Doppler's configuration with the stage that a command would use."""
    del engine
    configs = {name: inputs.variables[name] for name in _VARIABLES if inputs.variables.get(name)}
    if not configs:
        return Finding(_NAME, Status.SKIPPED, "not run under Doppler")
    shown = ", ".join(f"{name}={config}" for name, config in configs.items())
    try:
        stage = resolve_stage(inputs.variables, explicit=inputs.stage)
    except UsageError as error:
        what = f"{shown}, but {error.message}"
        return Finding(_NAME, Status.WARNING, what, None, Remedy(error.hint or ""))
    wrong = [name for name, config in configs.items() if _contradicts(config, stage)]
    if not wrong:
        return Finding(_NAME, Status.OK, f"{shown} and stage {stage.name} agree")
    what = f"{shown}, but the stage is {stage.name} (from {stage.origin})"
    why = "machines would get the secrets of another environment"
    remedy = Remedy(
        "set APP_STAGE or unset ITERATE_USER in that Doppler config, or choose another config",
        (f"doppler run --config {_config_for(stage)} -- os2 …",),
    )
    return Finding(_NAME, Status.PROBLEM, what, why, remedy)


def _contradicts(config: str, stage: Stage) -> bool:
    """Return whether the config belongs to another stage; a branch config belongs to none."""
    return config in _KINDS and _KINDS[config] is not stage.kind


def _config_for(stage: Stage) -> str:
    return next((name for name, kind in _KINDS.items() if kind is stage.kind), stage.name)
