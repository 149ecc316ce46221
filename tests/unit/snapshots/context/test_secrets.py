"""Which files look like secrets, and which only have such names."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.snapshots.context import SuspiciousFile, collect, suspicious_files
from tests.unit.snapshots.context.conftest import write

# In two parts, so that no scanner takes this file for a secret.
BEGIN_KEY = "-----BEGIN {}PRIVATE " + "KEY-----\nMIIE\n"


def suspicious(root: Path, path: str, content: str) -> tuple[SuspiciousFile, ...]:
    return suspicious_files(collect(write(root, {path: content}), Path("Dockerfile")))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env", "TOKEN=x"),
        (".env", "# note\nexport TOKEN='x'\n"),
        ("app/.env.local", "A=\nB=1\n"),
        (".env.production", "A: 1"),
        ("tls.pem", BEGIN_KEY.format("")),
        ("tls.key", "text before\n" + BEGIN_KEY.format("RSA ")),
        ("TLS.KEY", BEGIN_KEY.format("ENCRYPTED ")),
        ("keys/id_rsa", "x"),
        ("id_ed25519", "x"),
        (".npmrc", "//registry.example/:_authToken=npm_x\n"),
        (".npmrc", "a=b\n_auth = eDp5\n"),
        ("web/.npmrc", '//host/:_password="eA=="'),
        (".yarnrc.yml", "npmScopes:\n  x:\n    npmAuthToken: abc\n"),
        (".yarnrc.yml", 'npmAuthIdent: "user:x"'),
        (".pypirc", "[pypi]\nusername = u\npassword = p\n"),
        (".netrc", "machine h login u password p\n"),
        ("_netrc", "machine h\n  login u\n  password p\n"),
        (".git-credentials", "https://u:p@host\n"),
        (".aws/credentials", "[default]\naws_secret_access_key = x\n"),
        ("home/.docker/config.json", '{"auths": {"h": {"auth": "eDp5"}}}'),
        ("a.p12", "x"),
        ("a.pfx", "x"),
        ("a.jks", "x"),
        ("a.keystore", "x"),
        ("service-account-prod.json", '{"private_key": "' + BEGIN_KEY.format("")[:27] + '"}'),
        (".doppler.yaml", "scoped:\n  /:\n    token: dp.ct.x\n"),
        ("terraform.tfstate", "{}"),
        ("x/terraform.tfstate.backup", "{}"),
    ],
)
def test_secret_is_found_and_not_repeated(folder: Path, path: str, content: str) -> None:
    (found,) = suspicious(folder, path, content)
    assert found.path == path
    assert found.reason
    assert "npm_x" not in repr(found)
    assert "dp.ct" not in repr(found)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env", ""),
        (".env", "# TOKEN=x\n\n  # more\n"),
        (".env", "TOKEN=\nOTHER=''\nTHIRD=  # none\r\nFOURTH=\"\"\r\n"),
        (".env.example", "TOKEN=x"),
        (".env.local.sample", "TOKEN=x"),
        (".env.template", "TOKEN=x"),
        (".env.dist", "TOKEN=x"),
        ("env", "TOKEN=x"),
        ("environment.env.ts", "TOKEN=x"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("public.key", "-----BEGIN PUBLIC KEY-----\n"),
        ("app.key", "42"),
        ("id_rsa.pub", "ssh-rsa x"),
        ("id_rsa", ""),
        (".npmrc", "//registry.example/:_authToken=${NPM_TOKEN}\n"),
        (".npmrc", 'save-exact=true\n  ; _authToken=x\n# _auth=x\n_auth="${X}"\n'),
        (".yarnrc.yml", 'nodeLinker: x\nnpmAuthToken: "${TOKEN:-}"\n# npmAuthToken: x\n'),
        (".pypirc", "[pypi]\nusername = __token__\n# password = p\npassword =\n"),
        (".netrc", "machine h login u\n"),
        (".git-credentials", ""),
        (".aws/credentials", "[default]\nregion = x\n"),
        ("credentials", "aws_secret_access_key = x\n"),
        (".docker/config.json", '{"auths": {"h": {}}, "credsStore": "desktop"}'),
        (".docker/config.json", "[not json"),
        (".docker/config.json", '{"auths": null}'),
        ("config.json", '{"auths": {"h": {"auth": "eDp5"}}}'),
        ("service-account.json", '{"name": "x"}'),
        (".doppler.yaml", "setup:\n  project: x\n"),
        ("a.jks", ""),
    ],
)
def test_harmless_file_is_not_reported(folder: Path, path: str, content: str) -> None:
    assert suspicious(folder, path, content) == ()


def test_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    write(tmp_path, {"secret": "TOKEN=x"})
    (folder / ".env").symlink_to(tmp_path / "secret")
    assert suspicious_files(collect(folder, Path("Dockerfile"))) == ()


def test_ignored_file_is_not_reported(folder: Path) -> None:
    write(folder, {".env": "TOKEN=x", "sub/.env": "TOKEN=x", ".dockerignore": "sub/.env"})
    found = suspicious_files(collect(folder, Path("Dockerfile")))
    assert found == (SuspiciousFile(".env", "an environment file with values"),)


def test_a_large_file_is_read_to_its_end(folder: Path) -> None:
    write(folder, {"big.pem": b" " * 5_000_000 + BEGIN_KEY.format("").encode()})
    (found,) = suspicious_files(collect(folder, Path("Dockerfile")))
    assert found.path == "big.pem"
