"""No environment and no state on disk makes analytics fail."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from os2cli.analytics.middleware import tracked_command
from os2cli.analytics.tracking import Analytics
from os2cli.core.models import LOCAL_DOCKER
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import load_settings
from os2cli.ui.app import OWN_ROUTES
from os2cli.ui.ingest.extension import analytics_extension
from os2cli.ui.page_context import PageContext
from tests.surroundings import ON, SURROUNDINGS, VALUES, Surroundings

TEXT = st.binary(max_size=50).filter(lambda text: b"\0" not in text).map(os.fsdecode)
ENVIRONMENTS = st.dictionaries(st.sampled_from(sorted(VALUES)), TEXT)


@pytest.fixture(scope="module", autouse=True)
def no_delivery() -> Iterator[None]:
    """Start no process for each example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.executable", "/nowhere/python")
        yield


def use(variables: Mapping[str, str]) -> None:
    """Do all that commands and the page do with analytics."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        done = 0
        for procedure in ("machine.stop", "snapshot.local-docker", "stage"):
            with tracked_command(procedure, {"names": ["one"]}, Invocation()):
                done += 1
            with (
                pytest.raises(ZeroDivisionError, match="its own"),
                tracked_command(procedure, {}, Invocation()),
            ):
                raise ZeroDivisionError("its own")
        assert done == 3
        analytics = Analytics.of(load_settings(None))
        analytics.browser()
        with analytics.tracked("machine.stop", {}, surface="ui") as mutation:
            mutation.touched(LOCAL_DOCKER)
        extension = analytics_extension(PageContext(), OWN_ROUTES)
        if extension is not None:
            extension.head()


@pytest.mark.parametrize("here", SURROUNDINGS, ids=lambda here: here.name)
def test_surroundings_that_are_known_to_go_wrong(here: Surroundings, tmp_path: Path) -> None:
    use(here.arrange(tmp_path / "state"))


@settings(max_examples=50)
@given(ENVIRONMENTS)
def test_any_environment(variables: dict[str, str]) -> None:
    use({**ON, **variables})
