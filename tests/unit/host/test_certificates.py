"""The host's extra authorities: found in every distribution's place, once, without keys."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from os2cli.host.certificates import HostCertificates, host_certificates

if TYPE_CHECKING:
    from pathlib import Path

# Self-signed, made for these tests; their keys were thrown away.
ONE = """\
-----BEGIN CERTIFICATE-----
MIIBmTCCAT+gAwIBAgIUMaUWan+0EcL8qg1lrFGmVgeRYZcwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWb3MyIHRlc3QgYXV0aG9yaXR5IG9uZTAgFw0yNjExMjExODA1
MDVaGA8yMTI2MTAyODE4MDUwNVowITEfMB0GA1UEAwwWb3MyIHRlc3QgYXV0aG9y
aXR5IG9uZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGpn6aBXQ99sludjWP3R
nHREaZ6ZfBxCB7ZKWRjyxU3sXQC6LA3wYW5Nqh0nUsNISctuQb/r02/0qqDTSmZ0
YdWjUzBRMB0GA1UdDgQWBBRUKV/kMOUBQiTLwngbCLzq1eHcIjAfBgNVHSMEGDAW
gBRUKV/kMOUBQiTLwngbCLzq1eHcIjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0gAMEUCIEbdi6tbY1EH/MsWUt2mHneQcMXu7zsFHj+9sV+C7AZ/AiEAko6S
3s5R9ragcmAzLYRMoZXgm39jbTFHjN+FUjJI4II=
-----END CERTIFICATE-----
"""
TWO = """\
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
SERVICE = """\
-----BEGIN CERTIFICATE-----
MIIBcTCCARigAwIBAgIUSnUP5ke4ghbJSQQIbuXgYhWlxskwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEbGVhZjAgFw0yNjExMjExODA1MDVaGA8yMTI2MTAyODE4MDUw
NVowDzENMAsGA1UEAwwEbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABH0/
SZu6TLEHOU1V9F5dDbQzJO+p02ouz6B4uFkabCLRDNwkdClqx+5MnmU3FaowYUUM
+vxXHsPTErxeGBPuGk+jUDBOMB0GA1UdDgQWBBRwnKqd1Ni+QwBT/pJfMfSDa1ER
8DAfBgNVHSMEGDAWgBRwnKqd1Ni+QwBT/pJfMfSDa1ER8DAMBgNVHRMBAf8EAjAA
MAoGCCqGSM49BAMCA0cAMEQCIEwjCxs5bT53UxrMFF6JPUeTDsAguxy719B3uxGP
k9S/AiAZ4gCEyoEa96GzyNrydUATV+iIQtj1Lu0JIemTJRmYmQ==
-----END CERTIFICATE-----
"""
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"

DEBIAN = "usr/local/share/ca-certificates"


def put(root: Path, name: str, content: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pems(found: HostCertificates) -> set[str]:
    return {certificate.pem for certificate in found.pems}


def on_linux(root: Path) -> HostCertificates:
    return host_certificates(root, platform="linux")


def test_a_host_without_extra_authorities_has_none(tmp_path: Path) -> None:
    found = on_linux(tmp_path)
    assert not found
    assert found == HostCertificates()


def test_every_distribution_keeps_them_somewhere_else(tmp_path: Path) -> None:
    places = (
        "usr/local/share/ca-certificates/deep/er/company.crt",
        "etc/pki/ca-trust/source/anchors/company.pem",
        "etc/ca-certificates/trust-source/anchors/company.cer",
        "etc/pki/trust/anchors/company",
    )
    for number, place in enumerate(places):
        root = tmp_path / str(number)
        put(root, place, ONE)
        assert pems(on_linux(root)) == {ONE}, place


def test_debian_takes_only_files_called_crt(tmp_path: Path) -> None:
    put(tmp_path, f"{DEBIAN}/company.pem", ONE)
    assert not on_linux(tmp_path)


def test_one_file_may_hold_several(tmp_path: Path) -> None:
    put(tmp_path, f"{DEBIAN}/both.crt", f"subject: one\n{ONE}\nsubject: two\n{TWO}")
    assert pems(on_linux(tmp_path)) == {ONE, TWO}


def test_der_becomes_pem(tmp_path: Path) -> None:
    put(tmp_path, f"{DEBIAN}/one.crt", ssl.PEM_cert_to_DER_cert(ONE))
    assert pems(on_linux(tmp_path)) == {ONE}


def test_a_private_key_is_never_taken_along(tmp_path: Path) -> None:
    put(tmp_path, f"{DEBIAN}/one.crt", PRIVATE_KEY + ONE)
    put(tmp_path, f"{DEBIAN}/key.crt", PRIVATE_KEY)
    found = on_linux(tmp_path)
    assert pems(found) == {ONE}
    assert "PRIVATE" not in "".join(pems(found))
    assert [note.rpartition("/")[2] for note in found.notes] == [
        "key.crt: holds no certificate, skipped",
        "one.crt: holds a private key, only its certificates are used",
    ]


def test_anything_but_a_certificate_is_skipped_and_said(tmp_path: Path) -> None:
    put(tmp_path, f"{DEBIAN}/readme.crt", "ask IT")
    put(tmp_path, f"{DEBIAN}/broken.crt", ONE.replace("MII", "AAA", 1))
    put(tmp_path, f"{DEBIAN}/empty.crt", "")
    (tmp_path / DEBIAN / "folder.crt").mkdir()
    (tmp_path / DEBIAN / "gone.crt").symlink_to("nowhere")
    put(tmp_path, f"{DEBIAN}/two.crt", TWO)
    found = on_linux(tmp_path)
    assert pems(found) == {TWO}
    assert len(found.notes) == 3


def test_order_and_digest_do_not_depend_on_the_files(tmp_path: Path) -> None:
    put(tmp_path / "a", f"{DEBIAN}/x.crt", ONE)
    put(tmp_path / "a", f"{DEBIAN}/y.crt", TWO)
    put(tmp_path / "b", f"{DEBIAN}/a.crt", TWO + ONE)
    put(tmp_path / "b", f"{DEBIAN}/again.crt", ssl.PEM_cert_to_DER_cert(ONE))
    put(tmp_path / "c", f"{DEBIAN}/a.crt", ONE)
    first, second, third = (on_linux(tmp_path / name) for name in "abc")
    assert [c.fingerprint for c in first.pems] == [c.fingerprint for c in second.pems]
    assert first.digest == second.digest
    assert first.digest != third.digest


def security(root: Path, script: str) -> None:
    put(root, "usr/bin/security", f"#!/bin/sh\n{script}").chmod(0o755)


def test_a_mac_lists_its_keychain_and_its_own_services_do_not_count(tmp_path: Path) -> None:
    security(tmp_path, f"cat <<'END'\n{SERVICE}{ONE}END\n")
    found = host_certificates(tmp_path, platform="darwin")
    assert pems(found) == {ONE}
    assert found.notes == ()


def test_a_mac_whose_keychain_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert not host_certificates(tmp_path, platform="darwin")
    security(tmp_path, f"cat <<'END'\n{ONE}END\nexit 1\n")
    assert not host_certificates(tmp_path, platform="darwin")
