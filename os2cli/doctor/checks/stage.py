"""The stage, and the setting that chose it."""

from __future__ import annotations

from os2cli.core.errors import UsageError
from os2cli.core.stage import resolve_stage
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

_NAME = "stage"


def check_stage(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Resolve the stage as a command does that does not publish."""
    del engine
    try:
        stage = resolve_stage(inputs.variables, explicit=inputs.stage)
    except UsageError as error:
        if error.code != "stage_missing":
            return Finding(_NAME, Status.PROBLEM, error.message, None, Remedy(error.hint or ""))
        remedy = Remedy(
            "set ITERATE_USER for development, or APP_STAGE for stg and prd",
            ('export ITERATE_USER="$(id -un)"',),
        )
        why = "machines and snapshots are named after it"
        return Finding(_NAME, Status.WARNING, error.message, why, remedy)
    what = f"{stage.name} ({stage.kind}), from {stage.origin}"
    if stage.warning is None:
        return Finding(_NAME, Status.OK, what)
    remedy = Remedy("unset the wrong variable, or use --stage")
    return Finding(_NAME, Status.WARNING, what, stage.warning, remedy)
