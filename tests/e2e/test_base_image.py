"""A base image built for real, from packages alone: by this user and by an unprivileged one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import Certificate, HostCertificates, host_certificates
from os2cli.providers.local_docker.base_image import BaseImage, prepare_base
from os2cli.providers.local_docker.engine.temporary import LABEL
from tests.engine import engine_endpoint

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="a base is made by the host's APT"),
]

CHECKOUT = Path(__file__).parents[2]
# No name below .invalid resolves: this registry is unreachable from every host.
WANTED = "registry.invalid/os2/basetest:1"
NOBODY = "65534"

# CA certificates for these tests; their private keys were deleted. They are part of a base's key,
# so that the images of these tests differ from the ones that the user works with.
FIRST_AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUFiM9PXMwXioYNAHR9QnzTi2avUkwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWb3MyIHRlc3QgYXV0aG9yaXR5IHR3bzAgFw0yNjExMjExODA1
MDVaGA8yMTI2MTAyODE4MDUwNVowITEfMB0GA1UEAwwWb3MyIHRlc3QgYXV0aG9y
aXR5IHR3bzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIHlVJjGX/wcAg76Zfvw
K+pI8hZU3ut9PUAmsOdfpZIndyU18XrUMt6p3EKJd3552EQPZ8ONpfxiigrTkfqP
6ZqjUzBRMB0GA1UdDgQWBBTeACp1aJOTU3QfpMuYCl46C3xvLzAfBgNVHSMEGDAW
gBTeACp1aJOTU3QfpMuYCl46C3xvLzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0cAMEQCIAD9Rrche0iZljjPx5xVqluu+F8F5kkcH/ZPnhhuPNgvAiAjdndz
QDH9DvtKR+r5Y0dExKAgUo8ZeeZY7pKZZBpdug==
-----END CERTIFICATE-----
"""
SECOND_AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBnjCCAUOgAwIBAgIULULlQ7r+509WRbhiwMlCoLobNAwwCgYIKoZIzj0EAwIw
IzEhMB8GA1UEAwwYb3MyIHRlc3QgYXV0aG9yaXR5IHRocmVlMCAXDTI2MTEyMTE4
MDUwNVoYDzIxMjYxMDI4MTgwNTA1WjAjMSEwHwYDVQQDDBhvczIgdGVzdCBhdXRo
b3JpdHkgdGhyZWUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATxJnPzUr5Ukjw0
8ACIdX9gZv88TFFWXKDyMkL+qHWbWVGodLi4+pJFZEzrA4Rm3QnRYEVeNjKgOqOA
kUEP91f5o1MwUTAdBgNVHQ4EFgQUtcBaGg2IcLh3DCC/gymS2N3K6qAwHwYDVR0j
BBgwFoAUtcBaGg2IcLh3DCC/gymS2N3K6qAwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNJADBGAiEA/aXWFmf+R1yesVCR8r6mQta1QscogpnK0lf8EWW+SjcC
IQCw9Iw8Kwu8IxUmtlUMac7uzyAqhPeHU5k0dmWe1cXh2A==
-----END CERTIFICATE-----
"""

PREPARE = """\
import json, sys
from pathlib import Path
checkout, url, cache_dir, wanted, pem, fingerprint = sys.argv[1:]
sys.path.insert(0, checkout)
import docker
from os2cli.host.certificates import Certificate, HostCertificates
from os2cli.providers.local_docker.base_image import prepare_base
base = prepare_base(
    docker.APIClient(base_url=url, version="auto"),
    wanted,
    platform=None,
    replaceable=True,
    certificates=HostCertificates((Certificate(pem, fingerprint, "test"),)),
    cache_dir=Path(cache_dir),
    lock_dir=Path(cache_dir).with_name("their-locks"),
)
print(json.dumps([base.reference, base.digest, base.origin]))
"""

CHECKS = """\
set -eu
[ -z "$(dpkg --audit)" ]
[ -z "$(find / -xdev \\( -nouser -o -nogroup \\))" ]
grep -qF "$AUTHORITY_LINE" /etc/ssl/certs/ca-certificates.crt
apt-get update
apt-get install -y --no-install-recommends tmux s6 execline
tmux -V
command -v s6-svscan execlineb
[ -z "$(dpkg --audit)" ]
"""


def authority(pem: str) -> Certificate:
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    return Certificate(pem, fingerprint, "test")


def trusting(pem: str) -> HostCertificates:
    return HostCertificates((*host_certificates().pems, authority(pem)))


class Heard(Progress):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.statuses: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        del done, total
        self.statuses.append(text)


class Interrupting(Progress):
    """Interrupts, as Ctrl-C does, while the packages are configured."""

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        del total
        if text == "configuring packages" and done == 5:
            raise KeyboardInterrupt


@pytest.fixture
def url() -> str:
    return engine_endpoint().url


@pytest.fixture
def engine(url: str) -> Iterator[docker.APIClient]:
    client = docker.APIClient(base_url=url, version="auto", timeout=60)
    yield client
    client.close()


@pytest.fixture(scope="module")
def cache_dir() -> Iterator[Path]:
    """Downloads that both users share, outside pytest's own directory, which others cannot read."""
    with tempfile.TemporaryDirectory(prefix="basetest-") as folder:
        Path(folder).chmod(0o777)
        (Path(folder) / "cache").mkdir()
        (Path(folder) / "cache").chmod(0o777)
        yield Path(folder) / "cache"


@pytest.fixture(scope="module")
def base(cache_dir: Path) -> Iterator[BaseImage]:
    """The base that the tests of this module share, built by the user who runs them."""
    client = docker.APIClient(base_url=engine_endpoint().url, version="auto", timeout=60)
    heard = Heard()
    made = prepare(client, cache_dir, FIRST_AUTHORITY, heard)
    assert len(heard.warnings) == 1
    assert {"configuring packages", "storing the image"} <= set(heard.statuses)
    yield made
    client.remove_image(made.reference, force=True)
    client.close()


def prepare(
    client: docker.APIClient, cache_dir: Path, pem: str, progress: Progress = SILENT
) -> BaseImage:
    return prepare_base(
        client,
        WANTED,
        platform=None,
        replaceable=True,
        certificates=trusting(pem),
        cache_dir=cache_dir,
        lock_dir=cache_dir.with_name("locks"),
        progress=progress,
    )


def temporary(client: docker.APIClient) -> set[str]:
    wanted = {"label": LABEL}
    return {
        *(found["Id"] for found in client.containers(all=True, filters=wanted)),
        *(found["Id"] for found in client.images(all=True, filters=wanted)),
    }


def run_in(client: docker.APIClient, image: str, script: str, environment: dict[str, str]) -> str:
    """Return the output of ``script`` in a container of ``image``, which must succeed."""
    # On the host's network: the engine's bridge is not tested here.
    container = client.create_container(
        image,
        command=["sh", "-c", f"exec 2>&1\n{script}"],
        environment=environment,
        host_config=client.create_host_config(network_mode="host"),
    )["Id"]
    try:
        client.start(container)
        status = client.wait(container, timeout=180)["StatusCode"]
        written = client.logs(container).decode()
        assert status == 0, written
        return str(written)
    finally:
        client.remove_container(container, force=True, v=True)


def check(client: docker.APIClient, image: str, pem: str) -> None:
    run_in(client, image, CHECKS, {"AUTHORITY_LINE": pem.splitlines()[1]})


def test_an_interrupted_build_leaves_nothing(engine: docker.APIClient, cache_dir: Path) -> None:
    before = temporary(engine)
    with pytest.raises(KeyboardInterrupt):
        prepare(engine, cache_dir, FIRST_AUTHORITY, Interrupting())
    assert temporary(engine) <= before
    assert list(cache_dir.glob("dpkg_*.deb"))
    assert not list(cache_dir.glob(".*"))


def test_the_base_is_a_sound_system(engine: docker.APIClient, base: BaseImage) -> None:
    assert base.origin == "packages"
    found = inspect(engine, base.reference)
    assert found["Id"] == base.digest
    assert found["Size"] < 140_000_000
    assert len(found["RootFS"]["Layers"]) == 1
    assert found["Config"]["Cmd"] == ["bash"]
    assert LABEL not in found["Config"]["Labels"]
    check(engine, base.reference, FIRST_AUTHORITY)


def test_a_second_call_builds_nothing(
    engine: docker.APIClient, base: BaseImage, cache_dir: Path
) -> None:
    heard = Heard()
    assert prepare(engine, cache_dir, FIRST_AUTHORITY, heard) == base
    assert heard.statuses == []


def test_an_ordinary_user_can_build_one_and_broken_downloads_are_replaced(
    engine: docker.APIClient, url: str, cache_dir: Path, base: BaseImage
) -> None:
    (broken,) = cache_dir.glob("hostname_*.deb")
    content = broken.read_bytes()
    broken.write_bytes(bytes(len(content)))
    certificate = authority(SECOND_AUTHORITY)
    result = subprocess.run(
        [
            *as_ordinary_user(url, cache_dir.parent),
            *(sys.executable, "-c", PREPARE, str(CHECKOUT), url, str(cache_dir), WANTED),
            *(certificate.pem, certificate.fingerprint),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    made = BaseImage(*json.loads(result.stdout))
    try:
        assert made.reference != base.reference
        check(engine, made.reference, SECOND_AUTHORITY)
    finally:
        engine.remove_image(made.reference, force=True)
    assert broken.read_bytes() == content


def as_ordinary_user(url: str, folder: Path) -> list[str]:
    """Return the prefix that runs a command as this user, who needs only the socket's group."""
    environment = ["env", "-i", f"HOME={folder}", f"PATH={os.environ['PATH']}"]
    if os.geteuid() != 0:
        return environment
    scheme, _, path = url.partition("://")
    groups = ["--groups", str(Path(path).stat().st_gid)] if scheme == "unix" else ["--clear-groups"]
    user = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, *groups]
    if not all(folder.stat().st_mode & 0o001 for folder in CHECKOUT.parents):
        # The checkout is in a directory of root: this user may only read it.
        capability = "+dac_read_search"
        user += ["--inh-caps", capability, "--ambient-caps", capability]
    return [*environment, *user]


@pytest.mark.parametrize("tool", ["with", "without"])
def test_the_host_s_authorities_are_added_to_any_image(
    engine: docker.APIClient, base: BaseImage, cache_dir: Path, tool: str
) -> None:
    wanted = f"basetest-wanted:{tool}"
    lines = [f"FROM {base.reference}", "ENV GREETING=hello", 'SHELL ["/bin/bash", "-c"]']
    lines += ["RUN rm /usr/sbin/update-ca-certificates"] if tool == "without" else []
    lines += ["USER 1000:1000", "WORKDIR /srv", 'CMD ["sleep", "1"]']
    build(engine, wanted, "\n".join(lines))
    certificates = HostCertificates((authority(SECOND_AUTHORITY),))
    made: list[BaseImage] = []
    try:
        made += [choose(engine, wanted, certificates, cache_dir) for _ in range(2)]
        assert made[0] == made[1]
        assert made[0].origin == "engine"
        was, now = (inspect(engine, name)["Config"] for name in (wanted, made[0].reference))
        for kept in ("User", "Env", "Cmd", "Entrypoint", "WorkingDir"):
            assert now[kept] == was[kept], kept
        script = 'set -eu\ngrep -F "$LINE" /etc/ssl/certs/ca-certificates.crt\nid -u'
        line = SECOND_AUTHORITY.splitlines()[1]
        assert run_in(engine, made[0].reference, script, {"LINE": line}) == f"{line}\n1000\n"
    finally:
        for name in {*(found.reference for found in made), wanted}:
            engine.remove_image(name, force=True)


def test_an_image_with_triggers_stays_as_it_is(
    engine: docker.APIClient, base: BaseImage, cache_dir: Path
) -> None:
    """They are for the steps of the user's build, and need its files."""
    wanted = "basetest-wanted:triggers"
    build(engine, wanted, f"FROM {base.reference}\nONBUILD COPY package.json /")
    try:
        made = choose(engine, wanted, HostCertificates((authority(SECOND_AUTHORITY),)), cache_dir)
        assert made == BaseImage(wanted, inspect(engine, wanted)["Id"], "engine")
    finally:
        engine.remove_image(wanted, force=True)


def test_what_was_built_from_a_former_image_is_removed(
    engine: docker.APIClient, base: BaseImage, cache_dir: Path
) -> None:
    wanted, built_on_it = "basetest-wanted:moving", "basetest-child:moving"
    certificates = HostCertificates((authority(SECOND_AUTHORITY),))
    made: list[BaseImage] = []
    try:
        for greeting in ("hello", "good day"):
            build(engine, wanted, f"FROM {base.reference}\nENV GREETING='{greeting}'")
            made += [choose(engine, wanted, certificates, cache_dir)]
            if len(made) == 1:
                build(engine, built_on_it, f"FROM {made[0].reference}\nENV CHILD=1")
        former, latest = made
        assert engine.images(former.reference) == []
        assert inspect(engine, latest.reference)["Id"] == latest.digest
        assert inspect(engine, built_on_it)["Config"]["Env"][-1] == "CHILD=1"
    finally:
        for name in (built_on_it, wanted, *(found.reference for found in made)):
            if engine.images(name):
                engine.remove_image(name, force=True)


def choose(
    client: docker.APIClient, wanted: str, certificates: HostCertificates, cache_dir: Path
) -> BaseImage:
    return prepare_base(
        client,
        wanted,
        platform=None,
        replaceable=False,
        certificates=certificates,
        cache_dir=cache_dir,
        lock_dir=cache_dir.with_name("locks"),
    )


def test_an_unreachable_archive_is_reported(
    engine: docker.APIClient, cache_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "etc/apt").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    (tmp_path / "etc/apt/sources.list").write_text("deb http://127.0.0.1:9/debian bookworm main\n")
    with pytest.raises(OperationFailed, match="Failed to fetch") as failure:
        prepare_base(
            engine,
            WANTED,
            platform=None,
            replaceable=True,
            certificates=HostCertificates(),
            cache_dir=cache_dir,
            lock_dir=cache_dir.with_name("locks"),
            root=tmp_path,
        )
    assert failure.value.code == "base_unavailable"
    assert failure.value.message.startswith(f"cannot pull {WANTED} (")


def inspect(client: docker.APIClient, reference: str) -> dict[str, Any]:
    return dict(client.inspect_image(reference))


def build(client: docker.APIClient, tag: str, dockerfile: str) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as context:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(dockerfile)
        context.addfile(info, io.BytesIO(dockerfile.encode()))
    content.seek(0)
    answers = list(
        client.build(
            fileobj=content,
            custom_context=True,
            tag=tag,
            rm=True,
            decode=True,
            network_mode="none",
        )
    )
    assert not [answer for answer in answers if "error" in answer], answers
