"""An image in which the host's extra certificate authorities are trusted."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import deque
from collections.abc import Mapping
from typing import Any

import docker

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import Progress
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.base_image import images
from os2cli.providers.local_docker.base_image.failures import engine_errors, refused

_RECIPE = 1
_SILENCE_S = 120
_FOLDER = "usr/local/share/ca-certificates"

# A slim image has neither the tool nor a trusted connection to fetch it. OpenSSL, GnuTLS and curl
# read the bundle on Debian and Alpine; the tool, if installed later, rebuilds it from the
# directory.
_SCRIPT = f"""\
set -eu
if command -v update-ca-certificates >/dev/null; then
    exec update-ca-certificates
fi
mkdir -p /etc/ssl/certs
cat /{_FOLDER}/os2-*.crt >>/etc/ssl/certs/ca-certificates.crt
"""


def trusting_image(
    client: docker.APIClient,
    reference: str,
    certificates: HostCertificates,
    *,
    platform: str | None,
    progress: Progress,
) -> tuple[str, str]:
    """Return (reference, id) of an image like ``reference`` that trusts ``certificates``.

    It is built once per base and set of authorities, and keeps the base's configuration. If
    ``reference`` names another image than before, the image built on the former is removed.

    One without a shell stays as it is, with a warning; so does one with triggers (``ONBUILD``),
    which are for the steps of the user's build.

    Raises:
        OperationFailed: the engine failed; ``disk_full``.
        Unreachable: the connection to the engine broke.
    """
    base = images.inspect(client, reference) or {}
    if _has_triggers(base):
        progress.warn(
            f"{reference} has ONBUILD instructions: this host's certificates are not added"
        )
        return reference, images.image_id(client, reference)
    trusting, key = _name_and_key(base, certificates)
    if existing := images.keyed_image_id(client, trusting, key):
        return trusting, existing
    user = str((base.get("Config") or {}).get("User") or "")
    of = f"{reference} {platform or ''} {certificates.digest}"
    marks = {images.KEY_LABEL: key, images.OF_LABEL: of}
    with progress.phase("trust the host's certificates"):
        context = _context(_dockerfile(reference, user), certificates)
        try:
            _build(client, context, trusting, marks, platform, progress)
        except OperationFailed as error:
            if not _lacks_a_shell(error.message):
                raise
            progress.warn(f"{reference} has no shell: this host's certificates are not added")
            # With the marks alone, so that it is found again.
            _build(client, _context(f"FROM {reference}\n"), trusting, marks, platform, progress)
    latest = images.image_id(client, trusting)
    images.remove_superseded(client, of, latest)
    return trusting, latest


def find_trusting_image(
    client: docker.APIClient, reference: str, certificates: HostCertificates
) -> tuple[str, str] | None:
    """Return (reference, id) of an image that ``trusting_image`` built, else None."""
    base = images.inspect(client, reference) or {}
    if _has_triggers(base):
        return reference, str(base["Id"])
    trusting, key = _name_and_key(base, certificates)
    existing = images.keyed_image_id(client, trusting, key)
    return (trusting, existing) if existing else None


def _has_triggers(base: Mapping[str, Any]) -> bool:
    return bool((base.get("Config") or {}).get("OnBuild"))


def _lacks_a_shell(message: str) -> bool:
    return "/bin/sh" in message and "no such file or directory" in message.lower()


def _name_and_key(base: Mapping[str, Any], certificates: HostCertificates) -> tuple[str, str]:
    inputs = f"{_RECIPE} {base.get('Id')} {certificates.digest} {_SCRIPT}"
    key = hashlib.sha256(inputs.encode()).hexdigest()
    return f"{images.REPOSITORY}:{key[:12]}", key


def _context(dockerfile: str, certificates: HostCertificates | None = None) -> bytes:
    files = {"Dockerfile": dockerfile}
    for certificate in certificates.pems if certificates else ():
        files[f"certificates/os2-{certificate.fingerprint[:16]}.crt"] = certificate.pem
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


def _dockerfile(reference: str, user: str) -> str:
    # The JSON form ignores the base's SHELL; USER is changed only if the base sets it.
    lines = [f"FROM {reference}"]
    lines += ["USER 0"] if user else []
    lines += [f"COPY certificates/ /{_FOLDER}/", f"RUN {json.dumps(['/bin/sh', '-c', _SCRIPT])}"]
    lines += [f"USER {user}"] if user else []
    return "\n".join([*lines, ""])


def _build(
    client: docker.APIClient,
    context: bytes,
    tag: str,
    marks: dict[str, str],
    platform: str | None,
    progress: Progress,
) -> None:
    doing = "adding the host's certificates to the base image"
    tail: deque[str] = deque(maxlen=20)
    message = ""
    with engine_errors(doing):
        answers = client.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            decode=True,
            tag=tag,
            labels=marks,
            platform=platform,
            network_mode="none",
            timeout=_SILENCE_S,
            rm=True,
            forcerm=True,
        )
        for answer in answers:
            line = str(answer.get("stream", "")).rstrip()
            if line:
                progress.log(line)
                tail.append(line)
            message = message or str(answer.get("error", ""))
    if message:
        raise refused(doing, message, tuple(tail))
