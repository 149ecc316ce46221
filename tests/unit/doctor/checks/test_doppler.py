"""Doppler's configuration against the stage, for every kind of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.core.errors import NotFound
from os2cli.doctor.checks.doppler import check_doppler
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness

NO_ENGINE = NotFound("there is no engine", hint="start one")


def found(variables: dict[str, str], stage: str | None = None) -> Finding:
    inputs = DoctorInputs(
        variables=variables,
        home=Path("/nowhere"),
        endpoint=NO_ENGINE,
        repo_root=None,
        image=lambda: ImageFreshness("a:b", None, fresh=False),
        system="Linux",
        architecture="x86_64",
        host_name="here",
        stage=stage,
    )
    finding = check_doppler(inputs, SharedEngine(NO_ENGINE))
    assert finding.check == "doppler"
    return finding


@pytest.mark.parametrize(
    "variables", [{}, {"ITERATE_USER": "jonas"}, {"DOPPLER_CONFIG": "", "APP_STAGE": "prd"}]
)
def test_without_doppler_is_skipped(variables: dict[str, str]) -> None:
    finding = found(variables)

    assert (finding.status, finding.what) == (Status.SKIPPED, "not run under Doppler")


@pytest.mark.parametrize(
    ("variables", "stage"),
    [
        ({"DOPPLER_CONFIG": "dev", "ITERATE_USER": "jonas"}, "dev-jonas"),
        ({"DOPPLER_CONFIG": "dev", "APP_STAGE": "dev"}, "dev"),
        ({"DOPPLER_CONFIG": "dev", "APP_STAGE": "local-x"}, "local-x"),
        ({"DOPPLER_CONFIG": "stg", "APP_STAGE": "stg"}, "stg"),
        ({"DOPPLER_CONFIG": "prd", "APP_STAGE": "prd"}, "prd"),
        ({"DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "prd", "APP_STAGE": "prd"}, "prd"),
        ({"DOPPLER_CONFIG": "prd", "ITERATE_USER": "jonas", "APP_STAGE": "prd"}, "prd"),
        ({"DOPPLER_CONFIG": "dev_jonas", "APP_STAGE": "prd"}, "prd"),
        (
            {"DOPPLER_CONFIG": "dev_jonas", "DOPPLER_ENVIRONMENT": "dev", "ITERATE_USER": "j"},
            "dev-j",
        ),
    ],
)
def test_agreement(variables: dict[str, str], stage: str) -> None:
    finding = found(variables)

    assert (finding.status, finding.remedy) == (Status.OK, None)
    assert finding.what.endswith(f" and stage {stage} agree")
    for name in ("DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT"):
        assert (f"{name}={variables.get(name)}" in finding.what) == (name in variables)


@pytest.mark.parametrize(
    ("variables", "stage", "config"),
    [
        (
            {"DOPPLER_CONFIG": "prd", "ITERATE_USER": "jonas"},
            "dev-jonas (from ITERATE_USER)",
            "dev",
        ),
        ({"DOPPLER_CONFIG": "stg", "APP_STAGE": "prd"}, "prd (from APP_STAGE)", "prd"),
        ({"DOPPLER_CONFIG": "prd", "APP_STAGE": "stg"}, "stg (from APP_STAGE)", "stg"),
        ({"DOPPLER_ENVIRONMENT": "dev", "APP_STAGE": "prd"}, "prd (from APP_STAGE)", "prd"),
        (
            {"DOPPLER_CONFIG": "stg", "DOPPLER_ENVIRONMENT": "prd", "APP_STAGE": "stg"},
            "stg (from APP_STAGE)",
            "stg",
        ),
        ({"DOPPLER_CONFIG": "stg", "APP_STAGE": "pr-12"}, "pr-12 (from APP_STAGE)", "pr-12"),
    ],
)
def test_contradiction(variables: dict[str, str], stage: str, config: str) -> None:
    finding = found(variables)

    assert finding.status is Status.PROBLEM
    assert finding.what.endswith(f", but the stage is {stage}")
    assert finding.why == "machines would get the secrets of another environment"
    assert finding.remedy is not None
    assert finding.remedy.commands == (f"doppler run --config {config} -- os2 …",)


def test_the_option_decides_what_the_stage_is() -> None:
    variables = {"DOPPLER_CONFIG": "prd", "ITERATE_USER": "jonas"}

    assert found(variables, stage="prd").status is Status.OK
    assert found(variables, stage="stg").status is Status.PROBLEM


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"DOPPLER_CONFIG": "dev"}, "DOPPLER_CONFIG=dev, but no stage is set"),
        ({"DOPPLER_CONFIG": "dev", "APP_STAGE": "a b"}, "invalid stage"),
    ],
)
def test_without_a_stage_is_a_warning(variables: dict[str, str], what: str) -> None:
    finding = found(variables)

    assert finding.status is Status.WARNING
    assert what in finding.what
    assert finding.remedy is not None
    assert finding.remedy.text
