"""The API's address and the login, checked before the first request."""

from __future__ import annotations

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import NotAuthorised, UsageError
from os2cli.host.web import is_loopback, is_private, web_address


def checked_url(access: DaytonaAccess) -> str:
    """Return the API's base URL.

    Raises:
        UsageError: it is not a URL, holds a password or a query, or would send the API key over
            plain HTTP.
    """
    parts = web_address(access.url)
    if parts is None:
        raise _invalid(access, "is not a web address")
    if parts.username or parts.password:
        raise _invalid(access, "must not hold a user name or a password")
    if parts.query or parts.fragment:
        raise _invalid(access, "must not hold a query or a fragment")
    if not is_private(parts):
        raise _invalid(access, "is plain HTTP, which would expose the API key")
    return access.url


def _invalid(access: DaytonaAccess, problem: str) -> UsageError:
    return UsageError(
        f"the URL of Daytona's API ({access.url_origin}) {problem}",
        hint="set DAYTONA_API_URL, for example to https://app.daytona.io/api",
        code="api_url_invalid",
    )


def login_headers(access: DaytonaAccess) -> dict[str, str]:
    """Return the headers that authenticate a request.

    Raises:
        NotAuthorised: neither an API key nor a token is set.
        UsageError: one of them is not valid in a header; messages never show it.
    """
    if access.api_key:
        return {"Authorization": f"Bearer {_plain(access.api_key, 'DAYTONA_API_KEY')}"}
    if not access.jwt:
        raise NotAuthorised(
            "no API key for Daytona",
            hint="set DAYTONA_API_KEY, or have Doppler set it: doppler run --config stg -- os2 …",
            code="key_missing",
        )
    if not access.organization:
        raise UsageError(
            "DAYTONA_JWT_TOKEN is set, but DAYTONA_ORGANIZATION_ID is not",
            hint="set DAYTONA_ORGANIZATION_ID, or use DAYTONA_API_KEY instead",
            code="organization_missing",
        )
    return {
        "Authorization": f"Bearer {_plain(access.jwt, 'DAYTONA_JWT_TOKEN')}",
        "X-Daytona-Organization-ID": _plain(access.organization, "DAYTONA_ORGANIZATION_ID"),
    }


def _plain(value: str, variable: str) -> str:
    if value.isascii() and value.isprintable() and " " not in value:
        return value
    raise UsageError(
        f"{variable} holds an invalid character",
        hint="copy it again, without line breaks and quotation marks",
        code="key_invalid",
    )


def may_receive_key(trusted_url: str, other: str) -> bool:
    """Tell whether an address that the API named may receive the API key, as ``trusted_url`` may.

    Only the same host, over HTTPS: other hosts of its domain may belong to other people. A server
    on this computer (a test's, a tunnel's) may use other ports of it.
    """
    trusted, target = web_address(trusted_url), web_address(other)
    if trusted is None or target is None:
        return False
    if is_loopback(trusted.hostname or ""):
        return is_loopback(target.hostname or "")
    return target.scheme == "https" and target.hostname == trusted.hostname
