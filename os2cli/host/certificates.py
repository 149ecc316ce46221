"""The certificate authorities that the owner of this host added to the distribution's own.

A company's TLS-inspecting proxy signs with one of them, so sandboxes behind it also need them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import ssl
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.small_files import read_small

_ANCHORS = (
    ("usr/local/share/ca-certificates", "**/*.crt"),  # Debian, Ubuntu, Alpine
    ("etc/pki/ca-trust/source/anchors", "*"),  # Fedora, RHEL
    ("etc/ca-certificates/trust-source/anchors", "*"),  # Arch
    ("etc/pki/trust/anchors", "*"),  # SUSE
)
_KEYCHAIN = "/Library/Keychains/System.keychain"
_KEYCHAIN_DEADLINE_S = 5
_MAX_FILE_BYTES = 4 << 20

# The labels are matched exactly: neither PRIVATE KEY nor OpenSSL's TRUSTED CERTIFICATE, whose
# content is more than a certificate, is ever read.
_PEM_BLOCK = re.compile(
    rb"-----BEGIN (X509 )?CERTIFICATE-----(?=\s)(?P<base64>[A-Za-z0-9+/=\s]++)"
    rb"-----END (?(1)X509 )CERTIFICATE-----"
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


@dataclass(frozen=True, slots=True)
class Certificate:
    """An X.509 certificate: its PEM text, the SHA-256 of its DER (hex) and its source."""

    pem: str
    fingerprint: str
    source: str


@dataclass(frozen=True, slots=True)
class HostCertificates:
    """The host's extra authorities, each once, sorted by fingerprint.

    ``notes`` has one line per skipped file, with the reason.
    """

    pems: tuple[Certificate, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pems)

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of the certificates' DER forms, independent of their files."""
        joined = "".join(certificate.fingerprint for certificate in self.pems)
        return hashlib.sha256(bytes.fromhex(joined)).hexdigest()


def host_certificates(root: Path = Path("/"), platform: str = sys.platform) -> HostCertificates:
    """Find the extra authorities below ``root``; ``platform`` is a value of ``sys.platform``.

    Reads the directories with the local anchors of update-ca-certificates(8), update-ca-trust(8)
    and trust(1); on a Mac the system keychain. Never raises: an unreadable file becomes a note.
    """
    found: dict[str, Certificate] = {}
    notes: list[str] = []
    sources = _keychain(root) if platform == "darwin" else _anchor_files(root, notes)
    for source, content in sources:
        ders = list(_certificates_in(content))
        if not ders:
            notes.append(f"{source}: holds no certificate, skipped")
        elif _PRIVATE_KEY.search(content):
            notes.append(f"{source}: holds a private key, only its certificates are used")
        for der in ders:
            fingerprint = hashlib.sha256(der).hexdigest()
            pem = ssl.DER_cert_to_PEM_cert(der)
            found.setdefault(fingerprint, Certificate(pem, fingerprint, source))
    return HostCertificates(tuple(found[key] for key in sorted(found)), tuple(notes))


def _anchor_files(root: Path, notes: list[str]) -> Iterator[tuple[str, bytes]]:
    for folder, pattern in _ANCHORS:
        for path in sorted((root / folder).glob(pattern)):
            try:
                if not path.is_file():
                    continue
                if path.stat().st_size > _MAX_FILE_BYTES:
                    notes.append(f"{path}: too large for a certificate, skipped")
                    continue
                yield str(path), read_small(path, _MAX_FILE_BYTES)
            except OSError as error:
                notes.append(f"{path}: {error.strerror}, skipped")


def _keychain(root: Path) -> Iterable[tuple[str, bytes]]:
    command = [str(root / "usr/bin/security"), "find-certificate", "-a", "-p", _KEYCHAIN]
    try:
        result = subprocess.run(
            command, capture_output=True, timeout=_KEYCHAIN_DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if result.returncode != 0:
        return []
    # Every Mac keeps certificates of its own services there, which are not authorities.
    authorities = filter(_is_authority, _certificates_in(result.stdout))
    return [(_KEYCHAIN, der) for der in authorities]


def _certificates_in(content: bytes) -> Iterator[bytes]:
    """Yield the DER forms of the certificates in a PEM or DER file; skip broken ones."""
    if b"-----BEGIN " not in content:
        candidates = [content]
    else:
        candidates = [_decoded(block["base64"]) for block in _PEM_BLOCK.finditer(content)]
    yield from filter(_is_certificate, candidates)


def _decoded(block: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(block.split()), validate=True)
    except binascii.Error:
        return b""


def _is_certificate(der: bytes) -> bool:
    """Return whether OpenSSL can parse it: the conversions of ``ssl`` ignore the content."""
    return bool(der) and _loaded(der) is not None


def _is_authority(der: bytes) -> bool:
    context = _loaded(der)
    return context is not None and bool(context.get_ca_certs())


def _loaded(der: bytes) -> ssl.SSLContext | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError):
        return None
    return context
