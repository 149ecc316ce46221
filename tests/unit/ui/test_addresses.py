"""What a page offers to do with a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from os2cli.core.models import DAYTONA, LOCAL_DOCKER, MachineState, MachineType
from os2cli.ui.addresses import possible_verbs
from tests.unit.machines.test_filters import A


@pytest.mark.parametrize("type_", [DAYTONA, LOCAL_DOCKER])
@pytest.mark.parametrize("state", list(MachineState))
@pytest.mark.parametrize("startable", [True, False])
def test_no_start_is_offered_that_the_provider_refuses(
    startable: bool, state: MachineState, type_: MachineType
) -> None:
    verbs = possible_verbs(replace(A, type=type_, state=state, startable=startable))

    assert "rm" in verbs
    if state is MachineState.REMOVING or not startable:
        assert verbs == ["rm"]
