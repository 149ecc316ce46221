"""Find files that look like secrets before they are sent.

A name alone rarely proves anything, so most rules look inside: a certificate, a public key, an
``.npmrc`` that refers to ``${NPM_TOKEN}`` and an ``.env`` without a value are fine. Contents are
never repeated in messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate

from os2cli.core.errors import UsageError
from os2cli.snapshots.context.context import BuildContext
from os2cli.snapshots.context.entries import ContextEntry, EntryKind, read_pieces

# Enough for any of these formats; a larger file is judged by its beginning.
_INSPECTED_BYTES = 1024 * 1024

Looks = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class SuspiciousFile:
    """A file that should probably not be in an image, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """The ends of lower-case paths that the rule applies to, and the look of a secret there."""

    names: re.Pattern[str]
    reason: str
    looks: Looks
    unless: re.Pattern[str] | None = None

    def is_about(self, path: str) -> bool:
        """Return whether the rule applies to the path."""
        return bool(self.names.match(path)) and not (self.unless and self.unless.match(path))


def suspicious_files(context: BuildContext) -> tuple[SuspiciousFile, ...]:
    """Return the files of ``context`` that look like secrets, in its order.

    Links are not followed. Raises as reading the context does.
    """
    return tuple(
        SuspiciousFile(entry.path, reason)
        for entry in context.entries
        if entry.kind is EntryKind.FILE and (reason := _reason(context, entry))
    )


def refuse_secrets(context: BuildContext) -> None:
    """Raise if files look like secrets, before they get into an image.

    Raises:
        UsageError: ``secrets_in_context``; ``details`` lists the files, never what is in them.
    """
    found = suspicious_files(context)
    if not found:
        return
    shown = ", ".join(f"{file.path} ({file.reason})" for file in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    raise UsageError(
        f"the build context has files that look like secrets: {shown}{more}",
        hint="list them in .dockerignore, or pass --allow-secrets if they are harmless",
        code="secrets_in_context",
        details={"files": [file.path for file in found]},
    )


def _reason(context: BuildContext, entry: ContextEntry) -> str | None:
    path = "/" + entry.path.lower()
    if not _ANY_NAME.match(path):
        return None
    rules = [rule for rule in _RULES if rule.is_about(path)]
    content = _beginning(context, entry) if rules else b""
    return next((rule.reason for rule in rules if rule.looks(content)), None)


def _beginning(context: BuildContext, entry: ContextEntry) -> bytes:
    content = b""
    for piece in read_pieces(context.root, entry):
        content += piece
        if len(content) >= _INSPECTED_BYTES:
            break
    return content


def _names(*globs: str) -> re.Pattern[str]:
    return re.compile("|".join(translate(f"*/{glob}") for glob in globs))


def _holds(expression: str) -> Looks:
    """Return a test for a line that matches from its start, after blanks."""
    found = re.compile(rb"^[ \t]*+(?:" + expression.encode() + rb")", re.MULTILINE)
    return lambda content: found.search(content) is not None


def _has_docker_logins(content: bytes) -> bool:
    try:
        logins = json.loads(content).get("auths", {}).values()
        return any(
            login.get(key) for login in logins for key in ("auth", "identitytoken", "password")
        )
    except (ValueError, AttributeError):
        return False


_LITERAL = r"""["']?(?!["'\s]|\$\{)\S"""  # a value, and not a reference to a variable
_NPM_LOGIN = rf"(?![#;]).*_(?:authToken|auth|password)[ \t]*=[ \t]*{_LITERAL}"
_ENV_VALUE = (
    r"""(?:export[ \t]+)?[A-Za-z_][\w.-]*[ \t]*[=:][ \t]*(?!["']{2}\s*$)[^\s#]"""  # KEY=value
)
_PRIVATE_KEY = _holds(r".*-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")
_SERVICE_ACCOUNT_KEY = _holds(r'.*"private_key"\s*:\s*"[^"]*PRIVATE KEY')
_AWS_KEY = _holds(r"aws_(?:secret_access_key|session_token)[ \t]*=[ \t]*\S")
_ANYTHING: Looks = bool

_RULES = (
    _Rule(
        _names(".env", ".env.*"),
        "an environment file with values",
        _holds(_ENV_VALUE),
        unless=_names("*.example", "*.sample", "*.template", "*.dist"),
    ),
    _Rule(_names("*.pem", "*.key"), "holds a private key", _PRIVATE_KEY),
    _Rule(_names("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"), "an SSH private key", _ANYTHING),
    _Rule(_names(".npmrc"), "an npm login", _holds(_NPM_LOGIN)),
    _Rule(
        _names(".yarnrc.yml"), "a Yarn login", _holds(rf"npmAuth(?:Token|Ident):[ \t]*{_LITERAL}")
    ),
    _Rule(_names(".pypirc"), "a PyPI login", _holds(r"password[ \t]*[=:][ \t]*\S")),
    _Rule(_names(".netrc", "_netrc"), "a netrc login", _holds(r"(?:[^#\n]*\s)?password\s+\S")),
    _Rule(_names(".git-credentials"), "git logins", _holds(r"\w+://[^/\s]*:[^@/\s]+@")),
    _Rule(_names(".aws/credentials"), "AWS keys", _AWS_KEY),
    _Rule(_names(".docker/config.json"), "registry logins", _has_docker_logins),
    _Rule(_names("*.p12", "*.pfx", "*.jks", "*.keystore"), "a key store", _ANYTHING),
    _Rule(
        _names("service-account*.json", "service_account*.json"),
        "a service account's private key",
        _SERVICE_ACCOUNT_KEY,
    ),
    _Rule(_names(".doppler.yaml"), "a Doppler token", _holds(rf"(?:- )?token:[ \t]*{_LITERAL}")),
    _Rule(_names("*.tfstate", "*.tfstate.backup"), "a Terraform state, full of secrets", _ANYTHING),
)
_ANY_NAME = re.compile("|".join(rule.names.pattern for rule in _RULES))
