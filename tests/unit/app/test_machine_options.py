"""The options of ``machine create``, as each provider reads them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from os2cli.app.machine_creation import lifetime, reject_unsupported
from os2cli.app.machine_options import MachineOptions
from os2cli.core.errors import UsageError
from os2cli.core.limits import Isolation
from os2cli.core.models import DAYTONA, LOCAL_DOCKER, Lifetime, MachineType
from os2cli.core.stage import Stage
from os2cli.providers.entry import entries

LOCAL = LOCAL_DOCKER
FOR_LOCAL: dict[str, Any] = {
    "port": 10_000,
    "cpu": 2.0,
    "memory": "2g",
    "log_size": "50m",
    "isolation": Isolation.STRICT,
    "mount_repo": True,
    "build": True,
    "with_git": True,
    "allow_secrets": True,
    "yes": True,
    "docker_host": "tcp://x",
}
FOR_DAYTONA: dict[str, Any] = {
    "public": True,
    "auto_stop": "2h",
    "auto_archive": "2d",
    "auto_delete": "off",
    "no_cache": True,
}
FOR_BOTH: dict[str, Any] = {
    "name": "dev-1",
    "count": 2,
    "no_wait": True,
    "timeout": 5.0,
    "ttl": "12h",
    "env": ["A=1"],
    "env_file": [],
    "label": ["a=1"],
    "snapshot": "x",
    "stage": "dev-a",
}
CASES = [
    *((LOCAL, DAYTONA, key, value) for key, value in FOR_LOCAL.items()),
    *((DAYTONA, LOCAL, key, value) for key, value in FOR_DAYTONA.items()),
]


def machine_options(**options: Any) -> MachineOptions:
    return MachineOptions(**options)


class TestForeign:
    def test_every_option_is_for_both_or_for_one(self) -> None:
        known = ["type_", *FOR_LOCAL, *FOR_DAYTONA, *FOR_BOTH]

        assert sorted(known) == sorted(field.name for field in fields(MachineOptions))

    @pytest.mark.parametrize(("mine", "other", "key", "value"), CASES)
    def test_an_option_of_the_other_type_is_refused(
        self, mine: MachineType, other: MachineType, key: str, value: object
    ) -> None:
        option = f"--{key.replace('_', '-')}"
        reject_unsupported(machine_options(type_=mine, **{key: value}))

        with pytest.raises(UsageError) as caught:
            reject_unsupported(machine_options(type_=other, **{key: value}))

        error = caught.value
        assert (error.code, error.exit_code) == ("option_invalid", 2)
        assert error.message == f"{option} is not supported on {other}"
        if key in ("cpu", "memory"):
            assert "os2 snapshot daytona" in (error.hint or "")
        else:
            assert error.hint == f"leave it out, or use --type {mine}"

    @pytest.mark.parametrize("type_", entries())
    def test_those_for_both_are_taken(self, type_: MachineType) -> None:
        reject_unsupported(machine_options(type_=type_))
        reject_unsupported(machine_options(type_=type_, **(FOR_BOTH | {"snapshot": None})))

    def test_all_of_its_own_are_taken(self) -> None:
        reject_unsupported(machine_options(type_=LOCAL, **FOR_BOTH, **FOR_LOCAL))
        reject_unsupported(machine_options(type_=DAYTONA, **FOR_BOTH, **FOR_DAYTONA))


class TestLifetime:
    @pytest.mark.parametrize(
        ("stage", "stop"),
        [
            ("dev", 720),
            ("dev-jonas", 720),
            ("local-x", 720),
            ("stg", 0),
            ("prd", 0),
            ("pr-1", 0),
            ("demo", 0),
        ],
    )
    def test_only_machines_for_development_stop_by_themselves(self, stage: str, stop: int) -> None:
        assert lifetime(machine_options(), Stage(stage, "--stage")) == Lifetime(stop, None, None)

    @pytest.mark.parametrize("stage", ["dev-jonas", "prd"])
    def test_what_was_said_counts_on_every_stage(self, stage: str) -> None:
        said = machine_options(auto_stop="30m", auto_archive="2d", auto_delete="1h")

        assert lifetime(said, Stage(stage, "--stage")) == Lifetime(30, 2880, 60)

    def test_off_is_what_the_provider_takes_for_it(self) -> None:
        said = machine_options(auto_stop="off", auto_archive="off", auto_delete="off")

        assert lifetime(said, Stage("dev-jonas", "--stage")) == Lifetime(0, 0, -1)

    def test_a_machine_can_be_deleted_as_soon_as_it_stops(self) -> None:
        assert lifetime(machine_options(auto_delete="0m"), Stage("prd", "--stage")).delete == 0

    @pytest.mark.parametrize("key", ["auto_stop", "auto_archive"])
    def test_a_time_of_nothing_is_not_taken_for_never(self, key: str) -> None:
        with pytest.raises(UsageError, match="would mean never"):
            lifetime(machine_options(**{key: "0m"}), Stage("prd", "--stage"))

    @pytest.mark.parametrize("key", ["auto_stop", "auto_archive", "auto_delete"])
    def test_an_invalid_duration_names_its_option(self, key: str) -> None:
        option = f"--{key.replace('_', '-')}"

        with pytest.raises(UsageError, match=f"{option}: invalid duration 'soon'"):
            lifetime(machine_options(**{key: "soon"}), Stage("prd", "--stage"))
