"""The contents of a base image built from packages, and the key that names it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.base_image.apt_packages import PATTERN
from os2cli.providers.local_docker.base_image.apt_sources import (
    AptSource,
    deb822,
    distribution_sources,
    signed_by_default,
)
from os2cli.providers.local_docker.base_image.distribution import (
    Distribution,
    debian_architecture,
    host_distribution,
)
from os2cli.providers.local_docker.base_image.failures import no_base
from os2cli.providers.local_docker.base_image.images import REPOSITORY
from os2cli.providers.local_docker.base_image.rootfs import DOCUMENTATION, STAGING, File

SECOND_STAGE = f"{STAGING}/configure.sh"

# Increased when a change of the code changes the image's contents.
_VERSION = 1

_APT_CONF = """\
APT::AutoRemove::SuggestsImportant "false";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
// Fetched files are useless once a layer is written.
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
"""

# A container has no init system: packages must not start their services.
_POLICY = b"#!/bin/sh\nexit 101\n"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what the base image contains, except the packages' versions.

    ``architecture`` is Debian's name; the host's files are read below ``root``.
    """

    root: Path
    distribution: Distribution
    architecture: str
    sources: tuple[AptSource, ...]
    certificates: HostCertificates

    @property
    def title(self) -> str:
        """The distribution's release for people: ``Debian bookworm``."""
        return f"{self.distribution.origin} {self.distribution.codename}"

    @property
    def key(self) -> str:
        """64 hex digits, equal for equal recipes."""
        inputs = (
            *(_VERSION, PATTERN, DOCUMENTATION, _APT_CONF, _second_stage().decode()),
            *(self.distribution.id, self.distribution.codename, self.architecture),
            *(deb822(self.sources), self.certificates.digest),
        )
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    @property
    def reference(self) -> str:
        """The image's name, e.g. ``os2-base:bookworm-3fa2c81d90ab``."""
        return f"{REPOSITORY}:{self.distribution.codename}-{self.key[:12]}"


def host_recipe(root: Path, architecture: str, certificates: HostCertificates) -> Recipe:
    """Return the recipe for the host below ``root`` and the engine's ``architecture`` (Go's name).

    Raises:
        OperationFailed: ``base_unavailable`` if the host has no APT, is not Debian or Ubuntu,
            or has no sources for that architecture.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise no_base("this host has no APT to build one from packages")
    distribution = host_distribution(root)
    if distribution is None:
        raise no_base("one is built from packages only on Debian and Ubuntu hosts")
    debian = debian_architecture(architecture)
    if debian is None:
        raise no_base(f"{distribution.origin} has no packages for the engine's {architecture}")
    recipe = Recipe(
        root,
        distribution,
        debian,
        distribution_sources(root, distribution, debian),
        certificates,
    )
    if not any(distribution.codename in source.suites for source in recipe.sources):
        raise no_base(f"this host's APT sources have no archive of {recipe.title} for {debian}")
    return recipe


def added_files(recipe: Recipe, sources: Sequence[AptSource]) -> Iterator[File]:
    """Yield the first stage's other files; ``sources`` go into the image's own APT."""
    distribution = recipe.distribution
    own = [signed_by_default(source, distribution.keyring) for source in sources]
    yield File("etc/dpkg/dpkg.cfg.d/os2", _dpkg_configuration().encode())
    yield File("etc/apt/apt.conf.d/90os2", _APT_CONF.encode())
    yield File(f"etc/apt/sources.list.d/{distribution.id}.sources", deb822(own).encode())
    yield File("usr/sbin/policy-rc.d", _POLICY, 0o755)
    yield File(SECOND_STAGE, _second_stage(), 0o755)
    for certificate in recipe.certificates.pems:
        path = f"usr/local/share/ca-certificates/os2-{certificate.fingerprint[:16]}.crt"
        yield File(path, certificate.pem.encode())
    # A republished archive has its own keys, which none of its packages installs.
    for key in sorted({key.lstrip("/") for source in sources for key in source.key_files}):
        with suppress(OSError):
            yield File(key, (recipe.root / key).read_bytes())


def _dpkg_configuration() -> str:
    lines = [f"path-exclude=/{folder}/*" for folder in DOCUMENTATION]
    # Licences ask to be passed on; setlocale(3) reads the aliases.
    lines += ["path-include=/usr/share/doc/*/copyright"]
    lines += ["path-include=/usr/share/locale/locale.alias"]
    return "\n".join([*lines, ""])


def _second_stage() -> bytes:
    return Path(__file__).with_name("configure.sh").read_bytes()
