"""Each check against different engines, repositories and variables."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.doctor.checks.disk import judge_free_space
from os2cli.doctor.engine_facts import ask_engine
from os2cli.doctor.findings import Finding, FixId, Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.doctor.runner import CHECKS, run_checks
from os2cli.providers.local_docker.engine.address import Endpoint
from tests.serving import listening_as

if TYPE_CHECKING:
    from collections.abc import Callable

BUILT = datetime(2026, 1, 11, 19, 30, tzinfo=UTC)
# Daytona and Doppler have their own tests.
ELSEWHERE = {"doppler", "daytona", "daytona-key", "daytona-snapshots", "clock"}
FRESH = ImageFreshness("iterate-sandbox:local", BUILT, fresh=True)


@pytest.fixture
def closed() -> Endpoint:
    """Return a port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return Endpoint(f"tcp://127.0.0.1:{server.getsockname()[1]}", "the default TCP API")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


@pytest.fixture
def inputs(engine: Any, tmp_path: Path, repo: Path) -> DoctorInputs:
    """Return the inputs of a host without problems."""
    return DoctorInputs(
        variables={
            "PATH": str(Path(shutil.which("git") or "").parent),
            "HOME": str(tmp_path),
            "ITERATE_USER": "jonas",
        },
        home=tmp_path,
        endpoint=engine.endpoint,
        repo_root=repo,
        image=lambda: FRESH,
        system="Linux",
        architecture="x86_64",
        host_name="here",
        tcp_api=engine.endpoint,
        addresses=(),
    )


def finding(inputs: DoctorInputs, check: str) -> Finding:
    return next(each for each in run_checks(inputs) if each.check == check)


def test_all_is_well(inputs: DoctorInputs) -> None:
    findings = run_checks(inputs)
    assert [each.check for each in findings] == list(CHECKS)
    # The free space depends on this host.
    there = [each for each in findings if each.check not in ("disk", *ELSEWHERE)]
    assert {each.status for each in there if each.check != "tcp-api"} == {Status.OK}
    assert findings[0].what == "Docker Engine 26.1.5, API 1.45, linux/amd64, storage overlay2"
    assert findings[0].why == f"at {inputs.tcp_api.url}, from DOCKER_HOST"


class TestEngine:
    @pytest.mark.parametrize(
        ("answer", "flavour"),
        [
            ({"OperatingSystem": "Docker Desktop"}, "Docker Desktop"),
            ({"OperatingSystem": "OrbStack"}, "OrbStack"),
            ({"Name": "colima"}, "Colima"),
            ({"SecurityOptions": ["name=rootless"]}, "rootless Docker Engine"),
        ],
    )
    def test_the_flavour_is_named(self, engine: Any, answer: dict[str, Any], flavour: str) -> None:
        engine.answers["info"].update(answer)
        assert ask_engine(engine.endpoint).flavour == flavour

    def test_podman_is_recognised_by_its_version(self, engine: Any) -> None:
        engine.answers["version"]["Components"] = [{"Name": "Podman Engine"}]
        assert ask_engine(engine.endpoint).flavour == "Podman"

    def test_a_proxy_in_the_environment_is_not_asked(
        self, engine: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert ask_engine(engine.endpoint).version == "26.1.5"

    def test_a_dead_engine_skips_what_depends_on_it(
        self, inputs: DoctorInputs, closed: Endpoint
    ) -> None:
        dead = replace(inputs, endpoint=closed, tcp_api=closed)
        found = {each.check: each for each in run_checks(dead)}
        assert found["engine"].status is Status.PROBLEM
        assert "nothing listens on that port" in found["engine"].what
        skipped = {name for name, each in found.items() if each.status is Status.SKIPPED}
        assert skipped - ELSEWHERE == {"disk", "image", "architecture"}

    @pytest.mark.parametrize(
        ("url", "fix", "command"),
        [
            ("unix:///nowhere/docker.sock", None, None),
            ("unix:///nowhere/.orbstack/run/docker.sock", None, "orb start"),
        ],
    )
    def test_the_remedy_fits_the_product(
        self, inputs: DoctorInputs, url: str, fix: FixId | None, command: str | None
    ) -> None:
        found = finding(replace(inputs, endpoint=Endpoint(url, "DOCKER_HOST")), "engine")
        assert found.remedy is not None
        assert found.remedy.fix is fix
        assert next(iter(found.remedy.commands), None) == command

    def test_an_endpoint_that_could_not_be_resolved(self, inputs: DoctorInputs) -> None:
        error = UsageError("the Docker context 'x' does not exist", hint="choose one of: default")
        found = finding(replace(inputs, endpoint=error), "engine")
        assert (found.status, found.what) == (Status.PROBLEM, error.message)
        assert found.remedy is not None
        assert found.remedy.text == "choose one of: default"


class TestTcpApi:
    def test_off_is_silent(self, inputs: DoctorInputs, closed: Endpoint) -> None:
        found = finding(replace(inputs, tcp_api=closed), "tcp-api")
        assert (found.status, found.why, found.remedy) == (Status.OK, None, None)

    @pytest.mark.parametrize(
        ("flavour", "system", "fix"),
        [
            ("Debian", "Linux", FixId.TCP_API_OFF),
            ("OrbStack", "Darwin", FixId.TCP_API_OFF),
            ("Docker Desktop", "Windows", FixId.TCP_API_OFF),
            ("Docker Desktop", "Darwin", None),
            ("Colima", "Darwin", None),
        ],
    )
    def test_on_is_a_warning_that_names_the_risk_and_how_to_end_it(
        self, inputs: DoctorInputs, engine: Any, flavour: str, system: str, fix: FixId | None
    ) -> None:
        engine.answers["info"]["OperatingSystem"] = flavour
        found = finding(replace(inputs, system=system), "tcp-api")
        assert found.status is Status.WARNING
        assert "every page in a browser" in str(found.why)
        assert found.remedy is not None
        assert found.remedy.fix is fix
        assert found.remedy.commands == (("os2 doctor --fix tcp-api-off",) if fix else ())

    @pytest.mark.skipif(sys.platform == "darwin", reason="127.0.0.2 has to be configured there")
    def test_open_to_others_is_a_problem(
        self, inputs: DoctorInputs, start_server: Callable[[str], Any]
    ) -> None:
        server = start_server("0.0.0.0")
        wide = replace(inputs, tcp_api=server.endpoint, addresses=("127.0.0.2",))
        found = finding(wide, "tcp-api")
        assert found.status is Status.PROBLEM
        assert found.why == "every client that reaches that address has root access to this host"

    def test_a_port_of_its_own_is_not_open(self, inputs: DoctorInputs) -> None:
        found = finding(replace(inputs, addresses=("127.0.0.2",)), "tcp-api")
        assert found.status is Status.WARNING

    def test_another_engine_there_is_reported(
        self, inputs: DoctorInputs, start_server: Callable[[str], Any]
    ) -> None:
        other = start_server("127.0.0.1")
        other.answers["info"]["ID"] = "engine-2"
        found = finding(replace(inputs, tcp_api=other.endpoint), "tcp-api")
        assert found.status is Status.WARNING
        assert "of another engine than os2 uses" in found.what

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
    def test_a_stranger_there_is_named(self, inputs: DoctorInputs) -> None:
        with listening_as(65534) as port:
            there = Endpoint(f"tcp://127.0.0.1:{port}", "the default TCP API")
            found = finding(replace(inputs, tcp_api=there), "tcp-api")
        assert found.status is Status.WARNING
        assert found.what == f"a process of user nobody listens at tcp://127.0.0.1:{port}"

    def test_something_else_there_is_reported(
        self, inputs: DoctorInputs, start_server: Callable[[str], Any]
    ) -> None:
        other = start_server("127.0.0.1")
        other.answers["version"] = {"hello": "world"}
        found = finding(replace(inputs, tcp_api=other.endpoint), "tcp-api")
        assert found.status is Status.WARNING
        assert "is not a Docker engine" in found.what
        assert found.remedy is not None
        assert found.remedy.commands[0].startswith("lsof ")


class TestDisk:
    @pytest.mark.parametrize(
        ("free", "status"),
        [(10**10, Status.OK), (10**10 - 1, Status.WARNING), (3 * 10**9 - 1, Status.PROBLEM)],
    )
    def test_thresholds(self, engine: Any, free: int, status: Status) -> None:
        assert judge_free_space(free, Path("/x"), ask_engine(engine.endpoint)).status is status

    def test_the_engines_folder_is_measured(self, inputs: DoctorInputs) -> None:
        assert finding(inputs, "disk").what.endswith("GB free in /")

    def test_a_virtual_machine_grows_on_this_disk(self, inputs: DoctorInputs, engine: Any) -> None:
        engine.answers["info"].update(OperatingSystem="OrbStack", Name="orbstack")
        assert "OrbStack's virtual machine" in finding(inputs, "disk").what

    @pytest.mark.parametrize("answer", [{"Name": "elsewhere"}, {"DockerRootDir": "/no/such"}])
    def test_an_engine_elsewhere_is_skipped(
        self, inputs: DoctorInputs, engine: Any, answer: dict[str, str]
    ) -> None:
        engine.answers["info"].update(answer)
        assert finding(inputs, "disk").status is Status.SKIPPED


class TestImage:
    @pytest.mark.parametrize(
        ("image", "what"),
        [
            (ImageFreshness("a:b", None, fresh=False), "image a:b not found"),
            (
                ImageFreshness("a:b", BUILT, fresh=False, reason="package.json changed"),
                "a:b, built 2026-01-11 19:30 UTC, is out of date",
            ),
        ],
    )
    def test_missing_and_stale_are_warnings(
        self, inputs: DoctorInputs, image: ImageFreshness, what: str
    ) -> None:
        found = finding(replace(inputs, image=lambda: image), "image")
        assert (found.status, found.what, found.why) == (Status.WARNING, what, image.reason)
        assert found.remedy is not None
        assert found.remedy.commands == ("os2 snapshot local-docker",)

    def test_the_remedy_for_another_repositorys_names_the_image(self, inputs: DoctorInputs) -> None:
        why = "image a:b was built from another repository"
        image = ImageFreshness("a:b", BUILT, fresh=False, reason=why, foreign=True)

        found = finding(replace(inputs, image=lambda: image), "image")

        assert (found.status, found.why) == (Status.WARNING, why)
        assert found.what == "a:b, built 2026-01-11 19:30 UTC, is not of this repository"
        assert found.remedy is not None
        assert "--tag" in found.remedy.text
        assert found.remedy.commands == ("os2 snapshot local-docker --tag a:b",)

    def test_its_failure_is_a_finding(self, inputs: DoctorInputs) -> None:
        def broken() -> ImageFreshness:
            raise OperationFailed("no Dockerfile", hint="pass --dockerfile")

        found = finding(replace(inputs, image=broken), "image")
        assert (found.status, found.what) == (Status.PROBLEM, "no Dockerfile")


class TestStage:
    @pytest.mark.parametrize(
        ("variables", "status", "what"),
        [
            ({"APP_STAGE": "stg"}, Status.OK, "stg (staging), from APP_STAGE"),
            ({}, Status.WARNING, "no stage is set"),
            (
                {"ITERATE_USER": "jonas", "APP_STAGE": "prd"},
                Status.WARNING,
                "dev-jonas (development), from ITERATE_USER",
            ),
            ({"APP_STAGE": "a b"}, Status.PROBLEM, "APP_STAGE: invalid stage 'a b'"),
        ],
    )
    def test_every_case(
        self, inputs: DoctorInputs, variables: dict[str, str], status: Status, what: str
    ) -> None:
        found = finding(replace(inputs, variables=variables), "stage")
        assert found.status is status
        assert found.what.startswith(what)

    def test_the_option_decides(self, inputs: DoctorInputs) -> None:
        found = finding(replace(inputs, stage="prd"), "stage")
        assert found.what == "prd (production), from --stage"


class TestGit:
    def test_missing(self, inputs: DoctorInputs, tmp_path: Path) -> None:
        found = finding(replace(inputs, variables={"PATH": str(tmp_path)}), "git")
        assert (found.status, found.what) == (Status.PROBLEM, "git is not on the PATH")

    def test_no_checkout_is_a_warning(self, inputs: DoctorInputs) -> None:
        found = finding(replace(inputs, repo_root=None), "git")
        assert found.status is Status.WARNING

    def test_a_folder_of_another_user(self, inputs: DoctorInputs, repo: Path) -> None:
        # Git's own variable for its tests: the directory counts as another user's.
        variables = {**inputs.variables, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
        found = finding(replace(inputs, variables=variables), "git")
        assert found.status is Status.PROBLEM
        assert found.remedy is not None
        expected = f"git config --global --add safe.directory {repo}"
        assert found.remedy.commands == (expected,)


class TestArchitecture:
    @pytest.mark.parametrize(
        ("machine", "arch", "status"),
        [
            ("arm64", "arm64", Status.OK),
            ("aarch64", "arm64", Status.OK),
            ("arm64", "amd64", Status.WARNING),
        ],
    )
    def test_emulation_is_a_warning(
        self, inputs: DoctorInputs, engine: Any, machine: str, arch: str, status: Status
    ) -> None:
        engine.answers["version"]["Arch"] = arch
        assert finding(replace(inputs, architecture=machine), "architecture").status is status

    def test_windows_containers_are_a_problem(self, inputs: DoctorInputs, engine: Any) -> None:
        engine.answers["version"]["Os"] = "windows"
        assert finding(inputs, "architecture").status is Status.PROBLEM
