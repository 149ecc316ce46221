"""The forms of private keys and of tokens, as their issuers write them: a table, and nothing else.

The forms are those of the public rules of gitleaks and detect-secrets; guesses by entropy are left
out, because a build that is rejected for a hash is worse than a hint. Every quantifier has a class
of its own or a bound, so that each search takes linear time.
"""

from __future__ import annotations

from typing import NamedTuple

_BEGIN = rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_WORD_BEFORE = rb"(?<![A-Za-z0-9_-])"


class Form(NamedTuple):
    """Fixed parts, one of which is in each secret of the form, and its pattern.

    ``leads``: the secret begins with the part, in a word of at least 20 characters.
    """

    reason: str
    parts: tuple[bytes, ...]
    # Compiled by `re` at first use: most files have none of the parts.
    pattern: bytes
    leads: bool = False


def _form(reason: str, parts: str, pattern: bytes) -> Form:
    words = tuple(part.encode() for part in parts.split())
    return Form(reason, words, pattern)


def _inner(issuer: str, parts: str, pattern: str) -> Form:
    """Return a form whose parts are anywhere in it."""
    return _form(f"holds a token of {issuer}", parts, _WORD_BEFORE + pattern.encode())


def _token(issuer: str, parts: str, pattern: str) -> Form:
    """Return a form that begins with one of its parts, in a word of at least 20 characters."""
    return _inner(issuer, parts, pattern)._replace(leads=True)


FORMS = (
    Form(
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
    _token("AWS", "AKIA ASIA", r"A[KS]IA[A-Z2-7]{16}(?![A-Z0-9])"),
    _token("Google", "AIza", r"AIza[\w-]{35}(?![\w-])"),
    _inner("Google", "ya29.", r"ya29\.[\w-]{20,}"),
    _token("Google", "GOCSPX-", r"GOCSPX-[\w-]{20,}"),
    _token("Slack", "xox", r"xox[abeoprs]-(?:\d-)?(?:\d+-)+[\w-]{8,}"),
    _token("Slack", "xapp-", r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{20,}"),
    _inner("Slack", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows)/[\w/]{30,}"),
    _token("Stripe", "sk_live_ rk_live_", r"[sr]k_live_[A-Za-z0-9]{16,}"),
    _token("Stripe", "whsec_", r"whsec_[A-Za-z0-9+/=]{32,}"),
    _token("Anthropic", "sk-ant-", r"sk-ant-[a-z]+\d\d-[\w-]{20,}"),
    _token("OpenAI", "sk-", r"sk-(?:(?:proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})(?![\w-])"),
    _token("npm", "npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _token("PyPI", "pypi-", r"pypi-AgE[\w-]{40,}"),
    _token("crates.io", "cio", r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _token("RubyGems", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _token("Daytona", "dtn_", r"dtn_[A-Za-z0-9]{32,}"),
    _inner(
        "Doppler",
        "dp.pt. dp.st. dp.ct. dp.sa. dp.said. dp.scim. dp.audit.",
        r"dp\.(?:pt|st|ct|sa|said|scim|audit)\.(?:[\w-]+\.)?[A-Za-z0-9]{32,}",
    ),
    _token("Docker Hub", "dckr_", r"dckr_[a-z]+_[\w-]{20,}"),
    _token("Hugging Face", "hf_", r"hf_[A-Za-z0-9]{30,}(?!\w)"),
    _inner(
        "Discord", "/webhooks/", r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{15,20}/[\w-]{50,}"
    ),
    _inner("Telegram", ":AA", r"\d{8,10}:AA[\w-]{33}(?![\w-])"),
    _token(
        "Twilio", " ".join(f"SK{digit}" for digit in "0123456789abcdef"), r"SK[0-9a-f]{32}(?!\w)"
    ),
    _token("Mailgun", "key-", r"key-[0-9a-f]{32}(?!\w)"),
    _token("Brevo", "xkeysib-", r"xkeysib-[0-9a-f]{64}-\w{16}"),
    _token("Resend", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?!\w)"),
    _token("Notion", "ntn_ secret_", r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}(?!\w))"),
    _token("New Relic", "NRAK- NRII- NRIQ-", r"NR(?:AK|II|IQ)-[\w-]{27,}"),
    _inner("New Relic", "NRAL", r"[0-9a-f]{30,36}(?:FFFF)?NRAL(?!\w)"),
    _token("Postman", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _token(
        "Grafana", "glsa_ glc_", r"gl(?:sa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|c_eyJ[A-Za-z0-9+/=]{30,})"
    ),
    _inner("Grafana", "eyJrIjoi", r"eyJrIjoi[A-Za-z0-9+/=]{50,}"),
    _token("Netlify", "nfp_ nfo_ nfc_ nfu_ nfb_", r"nf[pocub]_[A-Za-z0-9]{36,}"),
    _token("Fly", "fo1_", r"fo1_[\w-]{40,}"),
    _inner("Fly", "fm1a_ fm1r_ fm2_", r"fm(?:1[ar]|2)_[A-Za-z0-9+/=_-]{60,}"),
    _token("PlanetScale", "pscale_", r"pscale_(?:tkn|oauth|pw)_[\w=.-]{32,}"),
    _token("Figma", "figd_ figo_ figu_", r"fig[dou]h?_[\w-]{38,}"),
    _inner("Airtable", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _inner(
        "Square",
        "EAAA sq0",
        r"(?:(?<![+/])EAAA[\w-]{60}(?![\w+/=-])|sq0(?:atp|csp|idb)-[\w-]{22,})",
    ),
    _token("Sentry", "sntrys_ sntryu_ sntrya_", r"sntry[sua]_[A-Za-z0-9+/=_-]{60,}"),
    _token("Pulumi", "pul-", r"pul-[0-9a-f]{40}(?!\w)"),
    _token(
        "Buildkite",
        "bkua_ bkaj_ bkat_ bkct_ bkpat_ bkpi_ bkpt_ bkrt_ bkcq_",
        r"bk(?:ua|aj|at|ct|pat|pi|pt|rt|cq)_[A-Za-z0-9]{38,}",
    ),
    _token("Heroku", "HRKU-", r"HRKU-[\w-]{36,}"),
    _token("Contentful", "CFPAT-", r"CFPAT-[\w-]{43}"),
    _token("xAI", "xai-", r"xai-[A-Za-z0-9]{70,}"),
    _token("Groq", "gsk_", r"gsk_[A-Za-z0-9]{48,}"),
    _token("Replicate", "r8_", r"r8_[A-Za-z0-9]{37}(?!\w)"),
    _token("Perplexity", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    _token("OpenRouter", "sk-or-", r"sk-or-v1-[0-9a-f]{64}"),
    _token("Langfuse", "sk-lf-", r"sk-lf-[0-9a-f]{8}-[0-9a-f-]{27}"),
    _token("LangSmith", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _token("Bitbucket", "ATBB ATCTT3", r"AT(?:BB[\w=-]{24,}|CTT3[\w=-]{60,})"),
    _inner("HCP Terraform", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}"),
    _inner("Mapbox", "sk.eyJ", r"sk\.eyJ[\w-]{20,}\.[\w-]{20,}"),
    _token("1Password", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/=_-]{100,}"),
    _inner("Dynatrace", "dt0c01.", r"dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _inner("Dropbox", "sl.", r"sl\.(?:u\.)?[\w-]{120,}"),
    _token("Typeform", "tfp_", r"tfp_[\w.=-]{40,}"),
    _token("Sourcegraph", "sgp_", r"sgp_(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}"),
    _token("CircleCI", "CCIPAT_", r"CCIPAT_[A-Za-z0-9]{22}_[0-9a-f]{40}"),
    _token("Prefect", "pnu_ pnb_", r"pn[ub]_[A-Za-z0-9]{36}(?!\w)"),
    _token("Scalingo", "tk-us-", r"tk-us-[\w-]{48}"),
    _token("EasyPost", "EZAK EZTK", r"EZ[AT]K[A-Za-z0-9]{54}"),
    _token("Shippo", "shippo_live_", r"shippo_live_[0-9a-f]{40}"),
    _token("ReadMe", "rdme_", r"rdme_[a-z0-9]{70}"),
    _token("Alibaba Cloud", "LTAI", r"LTAI[A-Za-z0-9]{17,21}(?!\w)"),
    _token("Facebook", "EAAC EAAB EAAG", r"EAA[BCG]\w{90,}"),
    _inner("SendGrid", "SG.", r"SG\.[\w-]{20,24}\.[\w-]{40,45}"),
    _inner("Vault", "hvs. hvb.", r"hv[sb]\.[\w-]{24,}"),
    _token("DigitalOcean", "doo_v1_ dop_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{60,}"),
    _token("Atlassian", "ATATT3", r"ATATT3[\w=-]{60,}"),
    _token("Linear", "lin_api_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _token("Tailscale", "tskey-", r"tskey-[a-z]+-\w{8,}-\w{16,}"),
    _token("Supabase", "sbp_", r"sbp_[0-9a-f]{40}"),
    _token("PostHog", "phx_", r"phx_[A-Za-z0-9]{32,}"),
    _token("Databricks", "dapi", r"dapi[0-9a-f]{32}(?!\w)"),
    _token("Shopify", "shp", r"shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"),
    _form(
        "holds an Azure key",
        "AccountKey= SharedAccessKey=",
        rb"(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{40,}={0,2}",
    ),
    _form(
        "holds an Azure signature",
        "sig=",
        rb"[?&;]sig=(?:[A-Za-z0-9+/]|%2[BbFf]){38,}(?:%3[Dd]|=)",
    ),
    _form(
        "holds an Azure client secret",
        "Q~",
        rb"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])",
    ),
    _form(
        "holds a JSON web token",
        "eyJ",
        _WORD_BEFORE + rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    ),
)
