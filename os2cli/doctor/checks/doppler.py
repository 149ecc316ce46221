"""Doppler: does the configuration that it injects belong to the stage."""

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
    """Compare Doppler's configuration with the stage that a command would take."""
    del engine
    said = {name: inputs.variables[name] for name in _VARIABLES if inputs.variables.get(name)}
    if not said:
        return Finding(_NAME, Status.SKIPPED, "not run under Doppler")
    shown = ", ".join(f"{name}={config}" for name, config in said.items())
    try:
        stage = resolve_stage(inputs.variables, explicit=inputs.stage)
    except UsageError as error:
        what = f"{shown}, but {error.message}"
        return Finding(_NAME, Status.WARNING, what, None, Remedy(error.hint or ""))
    wrong = [name for name, config in said.items() if _contradicts(config, stage)]
    if not wrong:
        return Finding(_NAME, Status.OK, f"{shown} and stage {stage.name} agree")
    what = f"{shown}, but the stage is {stage.name} (from {stage.origin})"
    why = "secrets of one environment would be used for machines of another"
    remedy = Remedy(
        "set APP_STAGE in that Doppler config, unset ITERATE_USER there, or choose the other one",
        (f"doppler run --config {_config_for(stage)} -- os2 …",),
    )
    return Finding(_NAME, Status.PROBLEM, what, why, remedy)


def _contradicts(config: str, stage: Stage) -> bool:
    """A config of another name (a branch's, a person's) says nothing about the stage."""
    return config in _KINDS and _KINDS[config] is not stage.kind


def _config_for(stage: Stage) -> str:
    return next((name for name, kind in _KINDS.items() if kind is stage.kind), stage.name)
