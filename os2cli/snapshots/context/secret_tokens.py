"""What a secret looks like in a file of any name: private keys, and tokens with a known form.

The forms are the issuers' own, as in the public rules of gitleaks and detect-secrets; guesses by
entropy are left out, because a build that is rejected for a hash is worse than a hint. A search for
a fixed part comes first: it takes a hundredth of the time of a regular expression.
"""

from __future__ import annotations

import re
import string
from typing import NamedTuple

# A part of a token of this length is in two windows of a file that is read in pieces.
OVERLAP_BYTES = 4096

_PLACEHOLDER = re.compile(rb"(?i)example|x{6}|0{12}|\.{3}|\*{3}|your|placeholder|dummy|redacted")
# The token on the front page of jwt.io.
_WELL_KNOWN = b"eyJzdWIiOiIxMjM0NTY3ODkw"
_BEGIN = rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_WORD_BEFORE = rb"(?<![A-Za-z0-9_-])"


class _Form(NamedTuple):
    reason: str
    parts: tuple[bytes, ...]
    # Compiled by `re` at first use: most files have none of the parts.
    pattern: bytes


def _form(reason: str, parts: str, pattern: bytes) -> _Form:
    words = tuple(part.encode() for part in parts.split())
    return _Form(reason, words, pattern)


def _token(issuer: str, parts: str, pattern: str) -> _Form:
    return _form(f"holds a token of {issuer}", parts, _WORD_BEFORE + pattern.encode())


_FORMS = (
    _Form(
        "holds a private key",
        (b"PRIVATE KEY",),
        # On a line of its own, with a body; or inside a string with a long one. There is one way
        # to read each header: with two, the time doubles with every line.
        rb"^[ \t>|]*" + _BEGIN + rb"[ \t]*\r?\n(?:[A-Za-z-]++:[^\n]*+\n|[ \t>|]*+\r?\n)*"
        rb"[ \t>|]*[A-Za-z0-9+/=]{4}"
        rb"|" + _BEGIN + rb"(?:\\r|\\n|\s)+[A-Za-z0-9+/=]{32}",
    ),
    _form(
        "holds a PuTTY private key",
        "PuTTY-User-Key-File",
        rb"^PuTTY-User-Key-File-\d: \w",
    ),
    _form("holds an age key", "AGE-SECRET-KEY-", rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,}"),
    _form("holds a Kubernetes key", "client-key-data:", rb"client-key-data: *[A-Za-z0-9+/=]{40}"),
    _token("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,}"),
    _token("GitHub", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,}"),
    _token(
        "GitLab",
        "glpat- gldt- glrt- glft- glptt- glsoat- glcbt- glagent-",
        r"gl(?:pat|dt|rt|ft|ptt|soat|cbt|agent)-[\w-]{20,}",
    ),
    _form("holds an AWS key", "AKIA ASIA", _WORD_BEFORE + rb"A[KS]IA[A-Z2-7]{16}(?![A-Z0-9])"),
    _token("Google", "AIza", r"AIza[\w-]{35}(?![\w-])"),
    _token("Google", "ya29.", r"ya29\.[\w-]{20,}"),
    _token("Google", "GOCSPX-", r"GOCSPX-[\w-]{20,}"),
    _token("Slack", "xox", r"xox[abeoprs]-(?:\d-)?(?:\d+-)+[\w-]{8,}"),
    _token("Slack", "xapp-", r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{20,}"),
    _token("Slack", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows)/[\w/]{30,}"),
    _token("Stripe", "k_live_", r"[sr]k_live_[A-Za-z0-9]{16,}"),
    _token("Stripe", "whsec_", r"whsec_[A-Za-z0-9+/=]{32,}"),
    _token("Anthropic", "sk-ant-", r"sk-ant-[a-z]+\d\d-[\w-]{20,}"),
    _token("OpenAI", "sk-", r"sk-(?:(?:proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})(?![\w-])"),
    _token("npm", "npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _token("PyPI", "pypi-", r"pypi-AgE[\w-]{40,}"),
    _token("crates.io", "cio", r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _token("RubyGems", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _token("Daytona", "dtn_", r"dtn_[A-Za-z0-9]{32,}"),
    _token(
        "Doppler",
        "dp.pt. dp.st. dp.ct. dp.sa. dp.said. dp.scim. dp.audit.",
        r"dp\.(?:pt|st|ct|sa|said|scim|audit)\.(?:[\w-]+\.)?[A-Za-z0-9]{32,}",
    ),
    _token("Docker Hub", "dckr_", r"dckr_[a-z]+_[\w-]{20,}"),
    _token("Hugging Face", "hf_", r"hf_[A-Za-z0-9]{30,}(?!\w)"),
    _token("SendGrid", "SG.", r"SG\.[\w-]{20,24}\.[\w-]{40,45}"),
    _token("Vault", "hvs. hvb.", r"hv[sb]\.[\w-]{24,}"),
    _token("DigitalOcean", "_v1_", r"do[opr]_v1_[0-9a-f]{60,}"),
    _token("Atlassian", "ATATT3", r"ATATT3[\w=-]{60,}"),
    _token("Linear", "lin_api_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _token("Tailscale", "tskey-", r"tskey-[a-z]+-\w{8,}-\w{16,}"),
    _token("Supabase", "sbp_", r"sbp_[0-9a-f]{40}"),
    _token("PostHog", "phx_", r"phx_[A-Za-z0-9]{32,}"),
    _token("Databricks", "dapi", r"dapi[0-9a-f]{32}(?!\w)"),
    _token("Shopify", "shp", r"shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"),
    _form("holds an Azure key", "AccountKey=", rb"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    _form(
        "holds a JSON web token",
        "eyJ",
        _WORD_BEFORE + rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    ),
)


# Every token has a word of 20 characters in it, and most files of a repository have none.
_LONG_WORD = b"a" * 20
_WORD_BYTES = frozenset(b"_-" + string.ascii_letters.encode() + string.digits.encode())
_WORDS = bytes(ord("a") if byte in _WORD_BYTES else ord(" ") for byte in range(256))
_PARTS = tuple((part, form) for form in _FORMS for part in form.parts)
_NO_WORD = (b"PRIVATE KEY", b"PuTTY-User-Key-File", b"client-key-data:", b"AccountKey=")
_PARTS_OF_NO_WORD = tuple((part, form) for part, form in _PARTS if part in _NO_WORD)


def token_in(content: bytes) -> str | None:
    """Return what a part of a file holds that is secret, None for nothing.

    What stands for a token in documents (``ghp_xxxxxxxx…``) is not one.
    """
    has_long_word = _LONG_WORD in content.translate(_WORDS)
    for part, form in _PARTS if has_long_word else _PARTS_OF_NO_WORD:
        if part in content:
            for match in re.finditer(form.pattern, content, re.MULTILINE):
                if not _PLACEHOLDER.search(match[0]) and _WELL_KNOWN not in match[0]:
                    return form.reason
    return None
