"""The host's extra certificates in a machine, so that it reaches what the host reaches."""

from __future__ import annotations

import io
import tarfile

import docker
from docker.errors import NotFound

from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.answers import InvalidAnswer

# The bundle of Debian, Ubuntu and Alpine; an image without it stays unchanged.
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_MAX_BUNDLE_BYTES = 8 * 1024 * 1024


def trust_host_certificates(
    client: docker.APIClient, container: str, certificates: HostCertificates
) -> None:
    """Append the missing certificates to the bundle of a container that has not started.

    Images built on this host have them; images from elsewhere must not.
    """
    if not certificates.pems:
        return
    bundle = _read_file(client, container, BUNDLE)
    if bundle is None:
        return
    missing = [c.pem for c in certificates.pems if c.pem.strip() not in bundle]
    if missing:
        text = "\n".join([bundle.rstrip("\n"), *(pem.strip() for pem in missing), ""])
        _write_file(client, container, BUNDLE, text.encode())


def _read_file(client: docker.APIClient, container: str, path: str) -> str | None:
    try:
        stream, _ = client.get_archive(container, path)
    except NotFound:
        return None
    packed = io.BytesIO()
    for chunk in stream:
        packed.write(chunk)
        if packed.tell() > _MAX_BUNDLE_BYTES:
            return None
    packed.seek(0)
    try:
        # "r:" unpacks no compression, which could hide any size.
        with tarfile.open(fileobj=packed, mode="r:") as archive:
            member = next(iter(archive), None)
            # Some images have a link here: they manage its target.
            content = archive.extractfile(member) if member and member.isreg() else None
            return content.read().decode("ascii", errors="replace") if content else None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise InvalidAnswer(f"{path} is not in a tar archive") from error


def _write_file(client: docker.APIClient, container: str, path: str, content: bytes) -> None:
    folder, _, name = path.rpartition("/")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        member.mode = 0o644
        archive.addfile(member, io.BytesIO(content))
    client.put_archive(container, folder, packed.getvalue())
