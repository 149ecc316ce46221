"""Files whose name says that they hold secrets, and what a secret looks like in each.

A name alone rarely proves anything, so most rules look inside: a certificate, a public key, an
``.npmrc`` that refers to ``${NPM_TOKEN}`` and an ``.env`` without a value are fine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from functools import cache

from os2cli.snapshots.context.secret_values import has_real_setting

Looks = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """The ends of lower-case paths that the rule applies to, and the look of a secret there.

    ``names`` and ``unless`` are globs, blanks between. ``looks`` gets a part of the file that
    begins with a line.
    """

    names: str
    reason: str
    looks: Looks
    unless: str = ""

    def is_about(self, path: str) -> bool:
        """Return whether the rule applies to the path."""
        return _matches(self.names, path) and not (self.unless and _matches(self.unless, path))


def rules_for(path: str) -> list[Rule]:
    """Return the rules for a path relative to the root."""
    name = "/" + path.lower()
    return [rule for rule in _RULES if rule.is_about(name)] if _matches(_ANY_NAME, name) else []


def _matches(globs: str, path: str) -> bool:
    return _compiled(globs).match(path) is not None


# Compiled at first use, as all of this module's expressions: most commands need none.
@cache
def _compiled(globs: str) -> re.Pattern[str]:
    return re.compile("|".join(translate(f"*/{glob}") for glob in globs.split()))


def _holds(expression: str) -> Looks:
    """Return a test for a line that matches from its start, after blanks."""
    pattern = rb"^[ \t]*+(?:" + expression.encode() + rb")"
    return lambda content: re.search(pattern, content, re.MULTILINE) is not None


def is_secret_setting(content: bytes) -> bool:
    """Return whether a setting with the name of a secret has a value, in any common syntax."""
    for name in _SETTING.finditer(content):
        if _SETTING_VALUE.match(content, name.end()):
            start = content.rfind(b"\n", max(0, name.start() - _MAX_LINE), name.start()) + 1
            if not _COMMENTED.match(content, start):
                return True
    return False


def _login(content: bytes) -> bool:
    return is_secret_setting(content) or _OAUTH(content) or _API_KEY(content)


_LITERAL = r"""["']?(?!["'\s]|\$[{(A-Za-z_]|<|\{\{)\S"""  # a value, and not a reference to one
_SWITCH = r"""["']?(?:true|false|yes|no|on|off|null|none|\d{1,5})["']?[,;]?[ \t]*\r?$"""
_SETTING = re.compile(
    rb"(?i)(?:secret|token|passw(?:or)?d|passphrase|pwd|credential|api_?key|access_?key"
    rb"|auth(?![a-z])|_key|_pat(?![a-z])|(?:private|signing|encryption|master)-?key"
    rb"|(?:database|redis|mongo\w{0,9}|amqp|sentry|connection)_?(?:url|uri|dsn|string))"
)
_SETTING_VALUE = re.compile(
    rf"""[\w.-]{{0,64}}["']?[ \t]{{0,40}}(?:=>|[=:])[ \t]{{0,40}}(?!{_SWITCH})"""
    rf"""(?!["']?(?:~/|\./|/[a-z])){_LITERAL}""".encode(),
    re.MULTILINE,
)
_COMMENTED = re.compile(rb"\s*(?:#|;|//)")
_MAX_LINE = 4096
_LOGIN_IN_URL = r"(?![#;])[^\n]*?://(?:[^/\s:@$]*:(?![@$])[^@/\s]+|[\w.-]{16,})@"
_NPM_LOGIN = rf"(?![#;]).*_(?:authToken|auth|password)[ \t]*=[ \t]*{_LITERAL}"
_ENV_VALUE = (
    r"""(?:export[ \t]+)?[A-Za-z_][\w.-]*[ \t]*[=:][ \t]*(?!["']{2}\s*$)[^\s#]"""  # KEY=value
)
_PRIVATE_KEY = _holds(r".*-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")
_SERVICE_ACCOUNT_KEY = _holds(r'.*"private_key"\s*:\s*"[^"]*PRIVATE KEY')
_AWS_KEY = _holds(r"aws_(?:secret_access_key|session_token)[ \t]*=[ \t]*\S")
_REGISTRY_LOGIN = _holds(r'.*"(?:auth|identitytoken|registrytoken|password)"\s*:\s*"[^"]')
_OAUTH = _holds(r'.*"(?:refresh_?token|access_?token|client_?secret|id_?token)"\s*:\s*"[^"]')
_API_KEY = _holds(r'.*"(?:key|apikey)"\s*:\s*"[^"]{8}')
_GIT_LOGIN = _holds(
    rf"(?:{_LOGIN_IN_URL}|(?i:extraheader)[ \t]*=[ \t]*(?i:authorization)|token[ \t]*=)"
)
_ANYTHING: Looks = bool
_MODELS = "*.example *.sample *.template *.dist *.tmpl *.tpl *.j2 *example.* *sample.* *template.*"

_RULES = (
    Rule(
        ".env .env.* .dev.vars .dev.vars.*",
        "an environment file with values",
        _holds(_ENV_VALUE),
        unless="*.example *.sample *.template *.dist",
    ),
    Rule(
        (
            "*.env .envrc .envrc.* .flaskenv .renviron *.tfvars *.tfvars.json gradle.properties"
            " secrets.yml secrets.yaml secrets.json secrets.toml secrets.env local.settings.json"
        ),
        "holds values of secret settings",
        is_secret_setting,
        unless=_MODELS,
    ),
    Rule(
        (
            ".cargo/credentials .cargo/credentials.toml gh/hosts.yml glab-cli/config.yml"
            " .config/hub .gem/credentials .terraformrc terraform.rc .terraform.d/*.json"
            " credentials.tfrc.json .bundle/config"
            " .sentryclirc .s3cfg .boto rclone.conf .mc/config.json kaggle.json .ngrok2/ngrok.yml"
            " ngrok/ngrok.yml .fly/config.yml .netlify/config.json .circleci/cli.yml .azure/*.json"
            " .claude/.credentials.json .codex/auth.json .vercel/auth.json .my.cnf my.cnf"
            " .databrickscfg .snowsql/config doctl/config.yaml .jfrog/*.conf* .npm/auth.json"
            " auth.json nuget.config .wgetrc .pulumi/credentials.json .expo/state.json"
            " firebase-tools.json credentials.json .oci/config .linode-cli"
        ),
        "holds a login",
        _login,
        unless=_MODELS,
    ),
    Rule(
        ".kube/config kubeconfig kubeconfig.* *.kubeconfig",
        "Kubernetes logins",
        _holds(
            rf"(?:- )?(?:client-key-data|token|password|id-token|refresh-token):[ \t]*{_LITERAL}"
        ),
    ),
    Rule(
        ".pgpass pgpass.conf",
        "PostgreSQL passwords",
        _holds(r"(?!#)[^:\n]+:(?:[^:\n]*:){3}[^\s:]"),
    ),
    Rule("*.pem *.key *.p8 *.asc *.priv", "holds a private key", _PRIVATE_KEY),
    Rule("id_rsa id_dsa id_ecdsa id_ed25519 id_*_sk", "an SSH private key", _ANYTHING),
    Rule("*.ppk", "a PuTTY private key", _ANYTHING),
    Rule("master.key credentials/*.key", "a Rails key", _holds(r"[0-9a-f]{32}\s*$")),
    Rule(".npmrc", "an npm login", _holds(_NPM_LOGIN)),
    Rule(".yarnrc.yml", "a Yarn login", _holds(rf"npmAuth(?:Token|Ident):[ \t]*{_LITERAL}")),
    Rule(".pypirc", "a PyPI login", _holds(r"password[ \t]*[=:][ \t]*\S")),
    Rule(
        "pip.conf pip.ini .condarc uv.toml poetry/auth.toml .bowerrc .curlrc",
        "a login in a URL",
        _holds(rf"(?:{_LOGIN_IN_URL}|password[ \t]*=[ \t]*{_LITERAL})"),
    ),
    Rule(".netrc _netrc", "a netrc login", _holds(r"(?:[^#\n]*\s)?password\s+\S")),
    Rule(
        ".git-credentials git/credentials .git/credentials",
        "git logins",
        # From each colon to the next only: a line of colons would take the square of its length.
        _holds(r"\w+://[^/\s]*:(?:[^@/\s:]*+:|[^@/\s:]++)@"),
    ),
    Rule(
        ".git/config* .git/modules/*config .gitconfig git/config .gitmodules",
        "a git login",
        _GIT_LOGIN,
    ),
    Rule(".aws/credentials .aws/config", "AWS keys", _AWS_KEY),
    Rule(
        ".docker/config.json .dockercfg .dockerconfigjson containers/auth.json",
        "registry logins",
        _REGISTRY_LOGIN,
    ),
    Rule("*.p12 *.pfx *.jks *.keystore *.kdbx *.bcfks", "a key store", _ANYTHING),
    Rule(
        (
            "secring.gpg private-keys-v1.d/*.key gcloud/*.db .mylogin.cnf .vault-token"
            " .huggingface/token huggingface/token .erlang.cookie"
        ),
        "holds logins or keys",
        _ANYTHING,
    ),
    Rule(
        "service-account*.json service_account*.json *credentials*.json",
        "a service account's private key",
        _SERVICE_ACCOUNT_KEY,
    ),
    Rule(
        (
            "application_default_credentials.json client_secret*.json token.json"
            " msal_token_cache*.json"
        ),
        "an OAuth login",
        _OAUTH,
    ),
    Rule(".htpasswd", "passwords of a web server", _holds(r"(?!#)[^:\s]+:[^\s:]{4}")),
    Rule(
        "settings.xml settings-*.xml",
        "a Maven login",
        _holds(
            r"[^\n]*<(?:password|passphrase|master)>(?!\$\{|repopwd<|proxypass<|optional;)[^<\s]"
        ),
    ),
    Rule(
        (
            "docker-compose*.yml docker-compose*.yaml compose*.yml compose*.yaml database.yml"
            " database.yaml application.properties application-*.properties application.yml"
            " application-*.yml application.yaml application-*.yaml appsettings.json"
            " appsettings.*.json local_settings.py *.secret.exs wp-config.php wp-config-*.php"
            " parameters.yml .env.php hosts.ini inventory.ini .vscode/sftp.json sftp-config.json"
            " .ftpconfig .msmtprc"
        ),
        "holds passwords",
        has_real_setting,
        unless=_MODELS,
    ),
    Rule(
        "*.conf *.netdev",
        "a WireGuard key",
        _holds(r"(?i:privatekey|presharedkey)[ \t]*=[ \t]*[A-Za-z0-9+/]{20}"),
    ),
    Rule(
        "nuget.config",
        "a NuGet login",
        _holds(r'[^\n]*(?i:key)="(?i:(?:cleartext)?password)"\s+(?i:value)="(?!%)[^"]'),
    ),
    Rule(
        "*vault_pass* *vault-pass* .vault_pw .ansible_vault*",
        "a password of Ansible's vault",
        lambda content: bool(content.strip()) and not content.startswith((b"#!", b"$ANSIBLE_")),
        unless=f"{_MODELS} *.py *.sh *.yml *.yaml *.md *.ts *.js",
    ),
    Rule(".doppler.yaml", "a Doppler token", _holds(rf"(?:- )?token:[ \t]*{_LITERAL}")),
    Rule("*.tfstate *.tfstate.backup", "a Terraform state, full of secrets", _ANYTHING),
)
_ANY_NAME = " ".join(rule.names for rule in _RULES)
