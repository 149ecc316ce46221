"""Secrets of each kind are found, wherever they are; and the tools of a repository raise no alarm.

No token here is written in one piece: this repository is itself one of the trees.
"""

from __future__ import annotations

import base64
import random
import string
import subprocess
import time
from pathlib import Path

import pytest

from os2cli.snapshots.context import SuspiciousFile, collect, suspicious_files
from os2cli.snapshots.context.secret_tokens import token_in
from tests.unit.snapshots.context.conftest import write

ROOT = Path(__file__).parents[4]
RANDOM = random.Random(7)  # noqa: S311  the tokens only look like some


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(RANDOM.choices(alphabet, k=length))


HEX, UPPER = "0123456789abcdef", string.ascii_uppercase + "234567"
BODY = "\n".join(some(64) for _ in range(6))
KEYS = {
    kind: f"-----BEGIN {kind}PRIVATE " + f"KEY-----\n{BODY}\n-----END {kind}PRIVATE KEY-----\n"
    for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")
}
KEYS["PGP"] = "-----BEGIN PGP PRIVATE " + f"KEY BLOCK-----\nVersion: 1\n\n{BODY}\n"
KEYS["PuTTY"] = (
    "PuTTY-User-" + "Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\nAAAA\n"
)
KEYS["headers"] = (
    "-----BEGIN RSA PRIVATE " + f"KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n{BODY}\n"
)
KEYS["CRLF"] = KEYS["RSA "].replace("\n", "\r\n")
KEYS["indented"] = "key: |\n" + "".join(f"  {line}\n" for line in KEYS["EC "].splitlines())
KEYS["json"] = '{"private_key": "' + KEYS[""].replace("\n", "\\n") + '"}'
KEYS["age"] = "AGE-SECRET-" + "KEY-1" + some(58, UPPER)

TOKENS = {
    "github": "ghp" + "_" + some(36),
    "github app": "ghs" + "_" + some(36),
    "github oauth": "gho" + "_" + some(36),
    "github fine": "github" + "_pat_" + some(22) + "_" + some(59),
    "gitlab": "gl" + "pat-" + some(20),
    "aws": "AK" + "IA" + some(16, UPPER),
    "google": "AI" + "za" + some(35),
    "slack": "xo" + f"xb-{some(12, string.digits)}-{some(12, string.digits)}-{some(24)}",
    "slack hook": f"https://hooks.{'slack'}.com/services/T{some(8)}/B{some(8)}/{some(24)}",
    "stripe": "sk" + "_live_" + some(24),
    "openai": "sk" + "-proj-" + some(48),
    "openai old": "sk" + "-" + some(20) + "T3Blbk" + "FJ" + some(20),
    "anthropic": "sk" + "-ant-api03-" + some(93) + "AA",
    "npm": "np" + "m_" + some(36),
    "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + some(70),
    "daytona": "dt" + "n_" + some(64, HEX),
    "doppler": "dp" + ".st.prd." + some(40),
    "doppler personal": "dp" + ".pt." + some(43),
    "jwt": "ey" + "J" + some(20) + ".ey" + "J" + some(40) + "." + some(43),
    "hugging face": "h" + "f_" + some(34),
    "vault": "hv" + "s." + some(24),
    "docker": "dckr" + "_pat_" + some(27),
}

FILES = {
    ".envrc": "source_up\nexport API_TOKEN=abc123\n",
    "prod.env": "DB_PASSWORD=hunter2\n",
    "deploy/staging.env": "export SECRET_KEY='s3cr3t'\n",
    ".kube/config": "users:\n- name: a\n  user:\n    token: abc\n",
    "kubeconfig.yaml": "users:\n- user:\n    client-key-data: TFMwdA==\n",
    ".pgpass": "db.internal:5432:app:root:hunter2\n",
    "terraform.tfvars": 'region = "eu"\ndb_password = "hunter2"\n',
    "prod.auto.tfvars": 'api_key="x1y2"\n',
    "prod.tfvars.json": '{"db_password": "hunter2"}',
    ".cargo/credentials.toml": '[registry]\ntoken = "abc"\n',
    ".cargo/credentials": '[registry]\ntoken = "abc"\n',
    "gh/hosts.yml": "github.com:\n    user: me\n    oauth_token: abc\n",
    ".config/gh/hosts.yml": "github.com:\n    oauth_token: abc\n",
    ".dockercfg": '{"https://index.docker.io/v1/": {"auth": "dTpw"}}',
    "config/master.key": some(32, HEX),
    "config/credentials/production.key": some(32, HEX) + "\n",
    ".config/gcloud/application_default_credentials.json": '{"refresh_token": "1//0abc"}',
    "client_secret_1.apps.json": '{"installed": {"client_secret": "abc"}}',
    "auth.json": '{"http-basic": {"h": {"username": "u", "password": "hunter2"}}}',
    "pip.conf": "[global]\nindex-url = https://user:pass@pypi.internal/simple\n",
    ".gem/credentials": "---\n:rubygems_api_key: abc\n",
    "gradle.properties": "signing.password=hunter2\n",
    ".aws/config": "[default]\naws_secret_access_key = x\n",
    "nested/.git-credentials": "https://u:p@host\n",
    ".gitmodules": '[submodule "a"]\n\turl = https://user:pass@host/a.git\n',
    "key.ppk": "x",
    "vault.kdbx": "x",
    ".htpasswd": "me:$apr1$abcdefgh\n",
    ".m2/settings.xml": "<servers><server><password>hunter2</password></server></servers>",
    ".streamlit/secrets.toml": 'db_password = "hunter2"\n',
    "secrets.yml": "production:\n  secret_key_base: abc\n",
}


def found(root: Path, path: str, content: str | bytes) -> tuple[SuspiciousFile, ...]:
    return suspicious_files(collect(write(root, {path: content}), Path("Dockerfile")))


@pytest.mark.parametrize("path", FILES)
def test_a_file_of_logins_is_found_by_its_name(folder: Path, path: str) -> None:
    content = FILES[path]
    (file,) = found(folder, path, content)
    assert file.path == path
    assert not [word for word in ("hunter2", "abc", "x1y2") if word in repr(file)]


@pytest.mark.parametrize("kind", [*KEYS, *TOKENS])
@pytest.mark.parametrize("form", ["alone", "behind", "utf-16", "utf-16-be", "utf-32", "between"])
def test_a_key_or_token_is_found_in_a_file_of_any_name(folder: Path, kind: str, form: str) -> None:
    secret = KEYS.get(kind) or f'key = "{TOKENS[kind]}"\n'
    match form:
        case "alone":
            content = secret.encode()
        case "behind":
            content = b"# a line\n" * 130_000 + secret.encode()
        case "between":
            # Over the border of two pieces that are read.
            content = b"\n" * (512 * 1024 - 20) + secret.encode() + b"\n" * 100
        case _:
            content = f"# notes\n{secret}".encode(form)
    (file,) = found(folder, "notes/deploy", content)
    assert file.path == "notes/deploy"
    assert "hold" in file.reason


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize(
    "around", ["{}", "'{}'", "https://x:{}@h/", "TOKEN={};", "a: {} # b", "({})"]
)
def test_a_token_is_found_between_what_surrounds_it(kind: str, around: str) -> None:
    assert token_in(around.format(TOKENS[kind]).encode())


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".envrc", "use nix\nexport PATH=$PWD/bin:$PATH\nexport TOKEN=$(pass show x)\n"),
        (".envrc", "layout python\n# export TOKEN=abc\nexport AUTH=false\n"),
        ("ci.env", "NODE_ENV=production\nTOKEN_TTL=3600\nTOKEN=${TOKEN}\n"),
        ("prod.env.example", "DB_PASSWORD=changeme\n"),
        ("example.env", "DB_PASSWORD=changeme\n"),
        (".kube/config", "users:\n- user:\n    exec:\n      command: aws\n"),
        (".pgpass", "# host:port:db:user:password\n"),
        ("terraform.tfvars", 'region = "eu"\ninstance_type = "t3"\n'),
        ("terraform.tfvars.example", 'db_password = "x"\n'),
        (".cargo/config.toml", '[build]\ntarget = "x"\n'),
        ("gh/hosts.yml", "github.com:\n    user: me\n    git_protocol: ssh\n"),
        (".gitmodules", '[submodule "a"]\n\turl = https://github.com/a/a.git\n'),
        (".gitmodules", '[submodule "a"]\n\turl = git@github.com:a/a.git\n'),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIE\n"),
        ("README.md", "Put `-----BEGIN PRIVATE " + "KEY-----` before it.\n"),
        ("README.md", "-----BEGIN PRIVATE " + "KEY-----\n...\n-----END PRIVATE KEY-----\n"),
        ("a.py", 'if text.startswith("-----BEGIN PRIVATE ' + 'KEY-----"):\n'),
        ("README.md", "token: gh" + "p_" + "x" * 36),
        ("README.md", "AKIA" + "IOSFODNN7" + "EXAMPLE"),
        ("a.css", ".risk-" + "a" * 60 + " {}\n"),
        ("package-lock.json", '"integrity": "sha512-' + base64.b64encode(b"x" * 64).decode() + '"'),
        ("a.ts", "const npm_config_registry_of_the_whole_organisation_here = 1\n"),
        ("pip.conf", "[global]\nindex-url = https://packages.example/simple\n"),
        ("gradle.properties", "org.gradle.jvmargs=-Xmx2g\n"),
        ("app.key", "42"),
    ],
)
def test_what_is_usual_in_a_repository_is_not_reported(
    folder: Path, path: str, content: str
) -> None:
    assert found(folder, path, content) == ()


def test_this_repository_has_no_false_alarm() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [path for path in listed.stdout.decode().split("\0") if path]
    context = collect(ROOT, ROOT / "sandbox/Dockerfile")

    assert len(paths) > 500
    assert [file for file in suspicious_files(context) if file.path in paths] == []


WORDS = [
    "a",
    "-",
    "eyJ",
    "-eyJa",
    "sk-",
    "xoxb-1-",
    "SG.a.",
    "://",
    "://a:",
    "://a@",
    "_key=",
    "#_key=",
]
WORDS += [
    "-----BEGIN ",
    "-----BEGIN PRIVATE " + "KEY-----",
    "\n",
    " ",
    "|",
    ">",
    '"password" : ',
    '"auth":',
]
WORDS += [
    "password ",
    "PuTTY-User-" + "Key-File-2: a\n",
    "a:",
    "\\:",
    "AccountKey=",
    "gh" + "p_",
    "token:",
    "<",
]
NAMES = [
    ".env",
    "a.env",
    "a.pem",
    ".npmrc",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    "auth.json",
    ".gitmodules",
]
NAMES += [".docker/config.json", ".m2/settings.xml", "secrets.json", ".htpasswd", "pip.conf", "x"]


@pytest.mark.parametrize("word", WORDS)
def test_no_content_freezes_the_search(folder: Path, word: str) -> None:
    write(folder, {name: word * (300_000 // len(word)) for name in NAMES})
    context = collect(folder, Path("Dockerfile"))
    start = time.process_time()
    suspicious_files(context)
    assert time.process_time() - start < 6
