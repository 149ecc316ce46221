"""Who asks and where: what is checked before the first request."""

from __future__ import annotations

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import NotAuthorised, UsageError
from os2cli.host.web import LOOPBACK, is_private, web_address


def checked_url(access: DaytonaAccess) -> str:
    """The API's base URL.

    Raises:
        UsageError: it is no URL, holds a password or a query, or would send the key over plain
            HTTP.
    """
    parts = web_address(access.url)
    if parts is None:
        raise _wrong(access, "is not a web address")
    if parts.username or parts.password:
        raise _wrong(access, "holds a user name or a password, which do not belong there")
    if parts.query or parts.fragment:
        raise _wrong(access, "ends in a query or a fragment, behind which no path can stand")
    if not is_private(parts):
        raise _wrong(access, "is plain HTTP, over which anybody on the way could read the key")
    return access.url


def _wrong(access: DaytonaAccess, problem: str) -> UsageError:
    return UsageError(
        f"the address of Daytona's API ({access.url_origin}) {problem}",
        hint="set DAYTONA_API_URL to one such as https://app.daytona.io/api",
        code="api_url_invalid",
    )


def login_headers(access: DaytonaAccess) -> dict[str, str]:
    """The headers that say who asks.

    Raises:
        NotAuthorised: there is neither a key nor a token.
        UsageError: one can't stand in a header; messages never show it.
    """
    if access.api_key:
        return {"Authorization": f"Bearer {_plain(access.api_key, 'DAYTONA_API_KEY')}"}
    if not access.jwt:
        raise NotAuthorised(
            "no key for Daytona is set",
            hint="set DAYTONA_API_KEY, or let Doppler do it: doppler run --config stg -- os2 …",
            code="key_missing",
        )
    if not access.organization:
        raise UsageError(
            "DAYTONA_JWT_TOKEN is set, but not whose organisation it is used for",
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
        f"{variable} holds a character that no key has",
        hint="copy it again; a line break or a quotation mark may have come with it",
        code="key_invalid",
    )


def may_receive_key(trusted_url: str, other: str) -> bool:
    """Whether an address that the API named may be sent the key, as ``trusted_url`` may.

    Only the very same host, over HTTPS: next to it, under the same domain, may live whoever rents a
    name there. A server on this computer (a test's, a tunnel's) may have other ports of it.
    """
    trusted, target = web_address(trusted_url), web_address(other)
    if trusted is None or target is None:
        return False
    if trusted.hostname in LOOPBACK:
        return target.hostname in LOOPBACK
    return target.scheme == "https" and target.hostname == trusted.hostname
