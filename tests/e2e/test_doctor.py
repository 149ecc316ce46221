"""What os2 doctor says of engines that answer, and on which builds fail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.command import Os2
from tests.other_engines import current_engine, podman

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("run_engine", "status", "what"),
    [
        (current_engine, "warning", "the engine does not reach the registry of the base image: "),
        (podman, "skipped", "this engine cannot tell whether it reaches one"),
    ],
)
def test_an_engine_without_a_network_reaches_no_registry(
    os2: Os2,
    repository: Path,
    run_engine: Callable[[], AbstractContextManager[str]],
    status: str,
    what: str,
) -> None:
    (repository / "sandbox").mkdir()
    (repository / "sandbox/Dockerfile").write_text("FROM os2-test/nowhere:1\n")
    with run_engine() as address:
        result = os2("doctor", "--json", "--docker-host", address)

    found = {each["check"]: each for each in result.json()["findings"]}
    assert found["engine"]["status"] == "ok"
    assert found["registry"]["status"] == status
    assert found["registry"]["what"].startswith(what)
