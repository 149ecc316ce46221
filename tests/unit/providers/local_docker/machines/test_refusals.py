"""A user's value that the engine refuses is reported by the option, with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import OperationFailed, Os2Error, UsageError
from os2cli.core.limits import Isolation, Resources
from os2cli.core.models import MachineSpec
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.isolation import EngineFacts, limits_of
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from tests.engine_stub import EngineStub

CREATE, START, IMAGE = "/containers/create", "/containers/os2-a/start", "/images/"
RUNC = (
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start"
    " container process: "
)
TOO_FEW = "--memory: 6 MiB is too little to start the machine"


class Refusing(EngineStub):
    """An engine that answers one request with a message."""

    at: str
    message: str

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        answer = super().answer(method, path, body)
        return (400, {"message": self.message}) if self.at in path else answer


@pytest.fixture
def machines(engine: Engine, tmp_path: Path) -> LocalDockerMachines:
    return LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())


def spec(isolation: Isolation = Isolation.DEFAULT, port: int | None = None) -> MachineSpec:
    return MachineSpec(
        name="a",
        stage="dev-test",
        snapshot="my:image",
        port=port,
        resources=Resources(0.5, 6 * 2**20),
        isolation=isolation,
    )


def refused(
    machines: LocalDockerMachines, stub: EngineStub, at: str, message: str, asked: MachineSpec
) -> Os2Error:
    stub.__class__ = Refusing
    vars(stub).update(at=at, message=message)
    with pytest.raises(Os2Error) as caught:
        machines.create(asked)
    assert "os2 doctor" not in str(caught.value.hint)
    return caught.value


@pytest.mark.parametrize(
    ("at", "message", "expected"),
    [
        (CREATE, "invalid reference format: repository name must be lowercase",
         "invalid image 'my:image'"),
        (IMAGE, "normalizing image: normalizing name for compat API: invalid reference format",
         "invalid image 'my:image'"),
        (CREATE, "Range of CPUs is from 0.01 to 0.40, as there are only 0.4 CPUs available",
         "--cpu: the engine cannot limit a machine to 0.5 CPUs"),
        (CREATE, "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler",
         "--cpu: the engine cannot limit a machine to 0.5 CPUs"),
        (CREATE, "Minimum memory limit allowed is 6MB", TOO_FEW),
        (START, RUNC + "container init was OOM-killed (memory limit too low?): unknown", TOO_FEW),
        (START, "error while calling PortManager.AddPort(): cannot expose privileged port 80, you"
         " can add 'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf",
         "--port: this engine may not open port 80: it runs without the rights of root"),
        (START, "driver failed programming external connectivity on endpoint os2-a: Error starting"
         " userland proxy: listen tcp4 127.0.0.1:80: bind: permission denied",
         "--port: this engine may not open port 80: it runs without the rights of root"),
    ],
)  # fmt: skip
def test_a_value_is_named(
    machines: LocalDockerMachines,
    stub: EngineStub,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
    message: str,
    expected: str,
) -> None:
    monkeypatch.setattr(
        "os2cli.providers.local_docker.machines.creation.is_free", lambda _port: True
    )
    strict = Isolation.STRICT if at == IMAGE else Isolation.DEFAULT
    port = 80 if "port" in expected else None

    error = refused(machines, stub, at, message, spec(strict, port))

    assert isinstance(error, UsageError)
    assert (error.message, error.code) == (expected, "option_invalid")


@pytest.mark.parametrize(
    ("at", "message", "cause"),
    [
        (CREATE, "No command specified", "No command specified"),
        (CREATE, "no command or entrypoint provided, and no CMD or ENTRYPOINT from image",
         "no command or entrypoint provided, and no CMD or ENTRYPOINT from image"),
        (START, RUNC + 'exec: "/nope": stat /nope: no such file or directory: unknown',
         'exec: "/nope": stat /nope: no such file or directory'),
        (START, 'crun: executable file `nope` not found in $PATH: No such file or directory: OCI'
         " runtime attempted to invoke a command that was not found",
         "executable file `nope` not found in $PATH: No such file or directory"),
        (START, "unable to find user me: no matching entries in passwd file",
         "unable to find user me"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_start_is_named(
    machines: LocalDockerMachines, stub: EngineStub, at: str, message: str, cause: str
) -> None:
    error = refused(machines, stub, at, message, spec())

    assert isinstance(error, OperationFailed)
    assert error.message == f"image my:image cannot start: {cause}"
    assert "ENTRYPOINT" in str(error.hint)


def test_what_isolation_takes_away_is_not_the_images_mistake(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    message = RUNC + 'exec: "/x": permission denied: unknown'
    error = refused(machines, stub, START, message, spec(Isolation.STRICT))
    assert "--isolation default" in str(error.hint)


@pytest.mark.parametrize("isolation", Isolation)
@pytest.mark.parametrize(("cpus", "has"), [(2, "2 CPUs"), (1, "1 CPU")])
def test_more_cpus_than_the_engine_has(isolation: Isolation, cpus: int, has: str) -> None:
    asked = MachineSpec("a", "dev", "i", resources=Resources(2.01), isolation=isolation)
    with pytest.raises(UsageError) as caught:
        limits_of(asked, EngineFacts(cpus=cpus))
    assert caught.value.message == f"--cpu: 2.01 is more than the engine has: {has}"
    assert caught.value.hint == f"choose at most {cpus}, or leave --cpu out"


def test_all_cpus_are_allowed_and_an_unknown_number_is_left_to_the_engine() -> None:
    asked = MachineSpec("a", "dev", "i", resources=Resources(8.0))
    assert limits_of(asked, EngineFacts(cpus=8)).cpus == 8
    assert limits_of(asked, EngineFacts()).cpus == 8
