"""Secrets of each kind are found, wherever they are; and the tools of a repository raise no alarm.

No token here is written in one piece: this repository is itself one of the trees.
"""

from __future__ import annotations

import base64
import random
import re
import string
import subprocess
import time
from pathlib import Path

import pytest

from os2cli.snapshots.context import SuspiciousFile, collect, suspicious_files
from os2cli.snapshots.context.secret_tokens import token_in
from os2cli.snapshots.context.token_forms import FORMS, Form
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
    "discord": f"https://{'discord'}.com/api/webhooks/{some(18, string.digits)}/{some(68)}",
    "discord old": f"https://{'discordapp'}.com/api/webhooks/{some(19, string.digits)}/{some(68)}",
    "telegram": some(10, "123456789") + ":A" + "AH" + some(32),
    "twilio": "S" + "K" + some(32, HEX),
    "mailgun": "ke" + "y-" + some(32, HEX),
    "notion": "secr" + "et_" + some(43),
    "notion new": "nt" + "n_" + some(46),
    "new relic": "NR" + "AK-" + some(27, UPPER),
    "new relic license": some(36, HEX) + "NR" + "AL",
    "postman": "PM" + f"AK-{some(24, HEX)}-{some(34, HEX)}",
    "grafana": "gl" + f"sa_{some(32)}_{some(8, HEX)}",
    "grafana cloud": "gl" + "c_ey" + "J" + some(80),
    "grafana old": "ey" + "JrIjoi" + some(80),
    "netlify": "nf" + "p_" + some(36),
    "fly": "fo1" + "_" + some(43),
    "fly macaroon": "Fly" + "V1 fm" + "2_" + some(120),
    "planetscale": "psca" + "le_tkn_" + some(43),
    "planetscale password": "psca" + "le_pw_" + some(43),
    "figma": "fig" + "d_" + some(40),
    "airtable": "pa" + f"t{some(14)}.{some(64, HEX)}",
    "square": "EA" + "AA" + some(60),
    "square oauth": "sq" + "0csp-" + some(43),
    "sentry": "snt" + "rys_" + some(100),
    "sentry user": "snt" + "ryu_" + some(64, HEX),
    "pulumi": "pu" + "l-" + some(40, HEX),
    "buildkite": "bk" + "ua_" + some(40, HEX),
    "heroku": "HR" + "KU-AA" + some(58),
    "heroku uuid": "HR" + "KU-" + "-".join(some(n, HEX) for n in (8, 4, 4, 4, 12)),
    "contentful": "CF" + "PAT-" + some(43),
    "xai": "xa" + "i-" + some(80),
    "groq": "gs" + "k_" + some(52),
    "replicate": "r" + "8_" + some(37),
    "perplexity": "pp" + "lx-" + some(48),
    "bitbucket": "AT" + "BB" + some(32),
    "bitbucket repository": "AT" + "CTT3" + some(180) + "=" + some(8),
    "azure sas": "https://a.blob.core.windows.net/c?sv=2022-11-02&se=2030-01-01&si"
    + f"g={some(42)}%3D",
    "azure bus": "Endpoint=sb://a/;SharedAccess" + f"Key={some(43)}=",
    "azure client secret": some(3) + "8" + "Q~" + some(34),
    "terraform cloud": some(14) + ".atlas" + "v1." + some(67),
    "openrouter": "sk" + "-or-v1-" + some(64, HEX),
    "resend": "re" + f"_{some(8)}_{some(24)}",
    "brevo": "xkey" + f"sib-{some(64, HEX)}-{some(16)}",
    "alibaba": "LT" + "AI" + some(20),
}

SCHEMES = ["postgres", "postgresql", "mysql", "mongodb", "mongodb+srv", "redis", "rediss", "amqp"]
SCHEMES += ["amqps", "https", "http", "ftp", "sftp", "ssh", "smtp", "ldap", "mssql", "clickhouse"]
# In two parts: the scanner reads this file.
LOGINS = {scheme: f"{scheme}://app:" + "hunter2@db.internal:1234/x" for scheme in SCHEMES}
LOGINS["no user"] = "redis://:" + "hunter2@cache.internal:6379/0"
LOGINS["encoded"] = "postgres://app:" + "p%40ss%2Fw0rd@db.internal/x"
LOGINS["jdbc"] = "jdbc:postgresql://app:" + "hunter2@db/x"
LOGINS["strong"] = "https://ci:" + some(20) + "@git.internal/a.git"
LOGINS["basic"] = "Authoriz" + "ation: Basic " + base64.b64encode(b"app:hunter2!").decode()
LOGINS["bearer"] = "curl -H 'Authoriz" + f"ation: Bearer {some(40)}'"
LOGINS["header"] = '{"authoriz' + f'ation": "Bearer {some(40)}"}}'
LOGINS["python"] = "headers['Authoriz" + f"ation'] = 'token {some(40)}'"

ISSUED = {
    "TWILIO_AUTH_TOKEN": some(32, HEX),
    "HEROKU_API_KEY": "-".join(some(n, HEX) for n in (8, 4, 4, 4, 12)),
    "DATADOG_API_KEY": some(32, HEX),
    "contentful.deliveryToken": some(43),
    "CLOUDFLARE_API_TOKEN": some(40),
    "discordToken": f"M{some(23)}.G{some(5)}.{some(38)}",
    "mailgun_key": f"{some(32, HEX)}-{some(8, HEX)}-{some(8, HEX)}",
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
    ".dev.vars": "API_TOKEN=hunter2\n",
    ".dev.vars.production": 'STRIPE="hunter2"\n',
    ".Renviron": "GITHUB_PAT=hunter2\nR_LIBS=~/R\n",
    "wg0.conf": f"[Interface]\nPrivateKey = {some(43)}=\n",
    "etc/wireguard/office.conf": f"[Peer]\nPresharedKey={some(43)}=\n",
    "docker-compose.yml": "services:\n  db:\n    environment:\n      DB_PASSWORD: hunter2\n",
    "docker-compose.prod.yaml": "    environment:\n      - MYSQL_ROOT_PASSWORD=hunter2\n",
    "compose.yaml": '      JWT_SECRET: "hunter2-abc"\n',
    "compose.override.yml": "      API_KEY: 'hunter2'\n",
    "config/database.yml": "production:\n  adapter: mysql2\n  password: hunter2\n",
    "src/application-prod.properties": "spring.datasource.password=hunter2\n",
    "src/application-prod.yml": "spring:\n  datasource:\n    password: hunter2\n",
    "application.properties": "spring.mail.password = hunter2\n",
    "appsettings.Production.json": '{"Jwt": {"SigningKey": "hunter2-hunter2"}}',
    "appsettings.Staging.json": '{"C": {"Db": "Server=a;User Id=b;Password=hunter2;"}}',
    "wp-config.php": "<?php\ndefine( 'DB_PASSWORD', 'hunter2' );\n",
    "blog/wp-config.php": "define('AUTH_KEY', 'x1y2-hunter2');\n",
    "maven/settings.xml": "<server><id>a</id>\n<password>hunter2</password></server>",
    "ci/settings-ci.xml": "<server><password>hunter2</password></server>",
    "nuget.config": '<add key="ClearTextPassword" value="hunter2" />',
    "src/NuGet.Config": '<add key="Username" value="u" />\n<add key="Password" value="hunter2"/>',
    "credentials.tfrc.json": '{"credentials": {"app.terraform.io": {"token": "hunter2"}}}',
    ".vault_pass": "hunter2\n",
    ".vault_pass.txt": "hunter2\n",
    "ansible/vault_password": "hunter2",
    "ansible/vault-password-file": "hunter2",
    "ansible/.vault_password.txt": "hunter2",
    "hosts.ini": "[web]\na ansible_user=b ansible_password=hunter2\n",
    ".bundle/config": '---\nBUNDLE_RUBYGEMS__TOKEN: "hunter2"\n',
    "config/prod.secret.exs": 'config :app, secret_key_base: "hunter2-abc"\n',
    "local_settings.py": "SECRET_KEY = 'hunter2-abc'\n",
    ".vscode/sftp.json": '{"host": "h", "password": "hunter2"}',
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


@pytest.mark.parametrize("kind", LOGINS)
@pytest.mark.parametrize("around", ["{}", '"{}"', "URL={} # b", "- x: '{}'", "\n{}\n"])
def test_a_login_is_found_in_a_file_of_any_name(folder: Path, kind: str, around: str) -> None:
    (file,) = found(folder, "notes/deploy", around.format(LOGINS[kind]))
    assert "hunter2" not in repr(file)
    assert file.reason.startswith("holds a login in ")


@pytest.mark.parametrize("name", ISSUED)
@pytest.mark.parametrize("form", ["{}={}", "{}: '{}'", 'const {} = "{}"', '"{}": "{}"'])
def test_a_token_without_a_mark_is_found_by_its_name(folder: Path, name: str, form: str) -> None:
    (file,) = found(folder, "notes/deploy", form.format(name, ISSUED[name]))
    assert file.reason == "holds a token"


PLACEHOLDERS = ["password", "passwd", "pass", "PASSWORD", "changeme", "change-me", "secret", "xxxx"]
PLACEHOLDERS += [
    "${DB_PASSWORD}",
    "$PASSWORD",
    "<token>",
    "<password>",
    "{password}",
    "{{ token }}",
]
PLACEHOLDERS += [
    "your-password",
    "YOUR_TOKEN",
    "my_password",
    "example",
    "example123",
    "password123",
]
PLACEHOLDERS += ["********", "...", "%s", "%(password)s", "[password]", "postgres", "root", "admin"]
PLACEHOLDERS += [
    "dummy-token",
    "placeholder",
    "test",
    "test123",
    "p",
    "pw",
    "dev",
    "guest",
    "redacted",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_what_stands_for_a_secret_is_not_one(folder: Path, value: str) -> None:
    compose = f"DB_PASSWORD: {value}\n      - TOKEN={value}\n"
    files: dict[str, str | bytes] = {
        "README.md": f"postgres://app:{value}@db.internal/x and https://me:{value}@git.internal/a\n",
        "docker-compose.yml": f"    environment:\n      {compose}",
        "config/database.yml": f"  password: {value}\n",
        "application-prod.properties": f"spring.datasource.password={value}\n",
        "appsettings.Development.json": f'{{"Db": "Server=a;Password={value};"}}',
        "wp-config.php": f"define('DB_PASSWORD', '{value}');\n",
        "request.http": "Authoriz" + f"ation: Bearer {value}\nAuthoriz" + f"ation: Basic {value}\n",
    }
    write(folder, files)
    assert suspicious_files(collect(folder, Path("Dockerfile"))) == ()


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
        ("a.ts", "const twilioToken = process.env.TWILIO_AUTH_TOKEN_OF_THE_ACCOUNT_2"),
        ("a.yml", "CLOUDFLARE_API_TOKEN: ${{ secrets.CLOUDFLARE_API_TOKEN_FOR_STAGE_2_X }}"),
        ("a.py", "heroku_key = settings.heroku_key_of_the_second_application_2"),
        ("README.md", "redis://user:s3cretpass@localhost:6379 and http://me:s3cretpass@127.0.0.1/"),
        ("README.md", "git clone https://user:s3cretpass@git.example.com/a.git"),
        (
            "README.md",
            "postgres://app:app@db:5432/app, ssh://git@github.com:a/b, http://a:8080/@b/c",
        ),
        ("a.ts", "fetch(url, {headers: {Authoriz" + "ation: `Bearer ${token}`}})"),
        ("a.py", "headers = {'Authoriz" + "ation': 'Bearer ' + token}"),
        ("api.md", "Authoriz" + "ation: Bearer TheTokenOfYourOrganisation"),
        ("api.md", "Authoriz" + "ation: Basic " + base64.b64encode(b"user:password").decode()),
        ("nginx.conf", "server { listen 80; ssl_certificate_key /etc/tls/a.key; }\n"),
        ("docker-compose.yml", "secrets:\n  db_password:\n    file: ./db_password.txt\n"),
        ("docker-compose.yml", "      POSTGRES_PASSWORD_FILE: /run/secrets/db\n      AUTH: none\n"),
        (
            "docker-compose.yml",
            "      POSTGRES_HOST_AUTH_METHOD: trust\n      # PASSWORD: hunter2\n",
        ),
        (
            "docker-compose.yml",
            "      POSTGRES_PASSWORD: postgres\n      REDIS_URL: redis://redis:6379\n",
        ),
        (
            "compose.yml",
            "      ALLOW_EMPTY_PASSWORD: 'yes'\n      TOKEN_TTL: 3600\n      PASSWORD:\n",
        ),
        ("config/database.yml", "  password: <%= ENV['DB_PASSWORD'] %>\n  url: postgres://db/x\n"),
        ("application.yml", "security:\n  password-encoder: bcrypt\n  token-uri: https://a/b\n"),
        ("appsettings.json", '{"Logging": {"Default": "Information"}, "ApiKey": ""}'),
        ("wp-config.php", "define('DB_PASSWORD', getenv('DB_PASSWORD'));\n"),
        ("wp-config-sample.php", "define('DB_PASSWORD', 'hunter2');\n"),
        ("settings.xml", "<server><password>${env.PASSWORD}</password></server>"),
        ("settings.xml", "<!-- <password>repopwd</password> -->"),
        ("application.yml", "password: ENC(hunter2hunter2)"),
        (
            "docs.html",
            "https://[&lt;user&gt;[:&lt;password&gt;]@]host and redis://[:password]@host1",
        ),
        ("a.js", "'AGFz/EAAA" + some(60) + "'"),
        ("nuget.config", '<add key="ClearTextPassword" value="%NUGET_PASSWORD%" />'),
        (".vault_pass.sh", "#!/bin/sh\npass show vault\n"),
        (".vault_pass", "#!/bin/sh\npass show vault\n"),
        ("group_vars/vault_passwords.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
        ("yarn.lock", f'  resolved "https://registry.yarnpkg.com/a/-/a-1.tgz#{some(40, HEX)}"\n'),
        ("go.sum", f"github.com/a/b v1.0.0 h1:{base64.b64encode(b'x1' * 16).decode()}\n"),
        ("uv.lock", f'hash = "sha256:{some(64, HEX)}"\n' * 50),
        ("Cargo.lock", f'checksum = "{some(64, HEX)}"\n' * 50),
        ("a.css", ".SK-eleton { background: url(data:image/png;base64," + some(300) + ") }"),
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
    "://a:b",
    "://a:bbb@",
    "Authoriz" + "ation: Bearer ",
    "Password=",
    "SK0",
    "sig=",
    "Q~",
    ":AA",
]
WORDS += [
    "%2B",
    "&sig=%2B",
    "aaa.",
    "pat",
    "NR" + "AL",
    "0",
    "key=a ",
    '"token", "',
    "define('X_KEY', '",
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
NAMES += ["docker-compose.yml", "wp-config.php", "a.conf", "nuget.config", ".vault_pass"]
NAMES += [".docker/config.json", ".m2/settings.xml", "secrets.json", ".htpasswd", "pip.conf", "x"]

WORDS += ["twilio", "twiliokey=", "twiliokey=" + "a0" * 20]


@pytest.mark.parametrize("word", WORDS)
def test_no_content_freezes_the_search(folder: Path, word: str) -> None:
    write(folder, {name: word * (300_000 // len(word)) for name in NAMES})
    context = collect(folder, Path("Dockerfile"))
    start = time.process_time()
    suspicious_files(context)
    assert time.process_time() - start < 6


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.parts[0].decode())
def test_no_content_freezes_the_search_for_a_form(form: Form) -> None:
    size = 200_000
    for part in form.parts:
        for piece in (part, part + b"a" * 50, part + b"0" * 15, b"a0" * 8 + part, part + b"/+-._="):
            start = time.process_time()
            token_in(piece * (size // len(piece)))
            token_in(part + piece[-1:] * size)
            assert time.process_time() - start < 1


def test_the_table_has_each_form_once() -> None:
    parts = [part for form in FORMS for part in form.parts]
    assert sorted(parts) == sorted(set(parts))
    assert len({form.pattern for form in FORMS}) == len(FORMS)
    # What leads is looked up by its first letters, in a long word.
    for form in FORMS:
        for part in form.parts if form.leads else ():
            assert re.fullmatch(rb"[\w-]{3,}", part), part
