"""Values that are secrets, and those that only stand for one.

Documents, tests and compose files are full of ``user:password@localhost`` and ``changeme``: a value
counts only if nothing says that it is a placeholder. Every quantifier has a bound or a class of its
own, so that each search takes linear time. `re` compiles and keeps them at first use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MAX_LINE = 4096
# A password that stands in a thousand documents opens nothing.
_COMMON = (
    rb"(?i)(?:my|your|the|some|a|db|test|dev|local|default|fake|mock|sample|super|top|very)?[_-]?"
    rb"(?:user|username|pass|passwd|password|passphrase|pwd|pw|secret|token|key|api_?key|login"
    rb"|root|admin|administrator|guest|postgres|postgresql|mysql|mariadb|mongo|mongodb|redis"
    rb"|rabbitmq|minio|minioadmin|test|testing|dev|develop|development|local|localhost|demo|default"
    rb"|docker|foo|bar|baz|foobar|none|null|empty|unset|todo|tbd|undefined|hidden|masked|x|y|z)"
    rb"[_-]?(?:here|word|value|goes_here|\d{0,4})"
)
# References to a value, and marks of a placeholder.
_REFERENCE = (
    rb"(?i)[$<{%\[(]|\*\*|\.\.\.|\xe2\x80\xa6|@@|#\{|!(?:ref|sub|vault|env|secret)\b|env[.(\[]"
    rb"|getenv|os\.environ|process\.env|vault:|enc[(\[]|secretsmanager|ssm:|file:|/run/secrets"
)
_MARK = (
    rb"(?i)example|change_?-?me|change-?this|replace|placeholder|dummy|redacted|your[_-]|insert"
    rb"|put your|x{4}|\*{3}|\.{3}|0{8}|sample|not-?a?-?secret|fixme"
    rb"|secret-?here|passw(?:or)?d_?here"
)
# RFC 2606, RFC 6761, and what is this host by any name.
_NOWHERE = (
    rb"(?i)(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|host\.docker\.internal|host|hostname|\w"
    rb"|(?:[\w-]{1,63}\.){0,5}(?:example|test|invalid|localhost|example\.(?:com|org|net)))(?![\w.-])"
)
_URL_LOGIN = rb"://([^\s/:@'\"`<>()\[\],&\\]{0,80}):([^\s/@'\"`<>\\]{3,200})@([\w.\[\]:-]{1,255})"
_BEARER = (
    rb"(?:uthorization|UTHORIZATION)[\"'\\\]]{0,4}[ \t]{0,20}[:=,][ \t]{0,20}[\"'`\\]{0,4}"
    rb"(?i:basic|bearer|token)[ \t]{1,20}([A-Za-z0-9._~+/-]{16,4096}={0,2})"
)
# "user:pass…", "username:password" and the RFC's "Aladdin:open sesame" in Base64.
_KNOWN_BASE64 = (b"dXNlcjpw", b"dXNlcm5hbWU6", b"QWxhZGRpbjpv")

# Issuers whose tokens have no mark of their own: hexadecimal digits, or a UUID.
ISSUERS = ("twilio", "heroku", "datadog", "contentful", "cloudflare", "discord", "mailgun")
_ISSUED = (
    f"(?i)(?:{'|'.join(ISSUERS)})".encode()
    + rb"[\w.-]{0,16}?(?:token|key|secret)[\"']?[ \t]{0,20}(?:=>|[:=])[ \t]{0,20}[\"']?"
    rb"([A-Za-z0-9][\w.-]{24,99})"
)
_RANDOM = rb"(?=.*\d)(?:[0-9a-f]{32,40}|[0-9a-f-]{36,50}|(?=.*[a-z])(?=.*[A-Z])[\w.-]{32,100})"

_NAME = (
    rb"(?i)(?:secret|token|passw(?:or)?d|passphrase|pwd|pass|credentials?|[_.-]pat"
    rb"|(?:api|access|secret|private|signing|encryption|master|auth|account|session|app|jwt)"
    rb"[_.-]?key"
    rb"|(?:key|secret)[_-]base|salt)"
    rb"(?:[_.-]?\d{1,3})?[\"']?[ \t]{0,20}(?:=>|[=:]|,(?=[ \t]{0,20}[\"']))[ \t]{0,20}"
)
_VALUE = rb"\"([^\"\n]{1,512})|'([^'\n]{1,512})|([^\s\"'#;][^\s\"';,]{0,511})"
_SWITCH = rb"(?i)(?:true|false|yes|no|on|off|null|none|~|\d{1,5}|[|>][+-]?)"
_PATH = rb"(?:~|\.{0,2})/[a-z.]"
_COMMENTED = rb"[ \t]*(?:#|;|//|<!--|\*)"


def is_placeholder(value: bytes) -> bool:
    """Return whether a value stands for a secret, or is one that everyone knows."""
    return (
        len(value) < 4
        or re.fullmatch(_COMMON, value) is not None
        or re.match(_REFERENCE, value) is not None
        or b"${" in value
        or re.search(_MARK, value) is not None
        or len(set(value)) < 3
    )


def has_url_login(content: bytes) -> bool:
    """Return whether an address has a password that is not a placeholder."""
    for match in re.finditer(_URL_LOGIN, content):
        user, password, host = match.groups()
        if user != password and not is_placeholder(password) and not re.match(_NOWHERE, host):
            return True
    return False


def has_authorization(content: bytes) -> bool:
    """Return whether a header of a request has a login."""
    for (value,) in map(re.Match.groups, re.finditer(_BEARER, content)):
        known = value.startswith(_KNOWN_BASE64)
        # What has no digit is a name: `Bearer YourTokenGoesHere`.
        if not known and not is_placeholder(value) and re.search(rb"\d", value):
            return True
    return False


def has_issued_setting(content: bytes) -> bool:
    """Return whether a setting that names an issuer's token has a value that looks random."""
    return any(
        re.fullmatch(_RANDOM, value) and not is_placeholder(value)
        for (value,) in map(re.Match.groups, re.finditer(_ISSUED, content))
    )


def has_real_setting(content: bytes) -> bool:
    """Return whether a setting whose name ends like a secret's has a value that looks real."""
    return any(map(_is_real, _settings(content)))


def _settings(content: bytes) -> Iterator[bytes]:
    """Yield the values of settings with the names of secrets, in any common syntax."""
    for name in re.finditer(_NAME, content):
        value = re.compile(_VALUE).match(content, name.end())
        if value is None:
            continue
        start = content.rfind(b"\n", max(0, name.start() - _MAX_LINE), name.start()) + 1
        if not re.compile(_COMMENTED).match(content, start):
            yield next(part for part in value.groups() if part is not None)


def _is_real(value: bytes) -> bool:
    if b"://" in value:
        return has_url_login(value)
    is_other = re.fullmatch(_SWITCH, value) or re.match(_PATH, value)
    return not is_other and not is_placeholder(value)
