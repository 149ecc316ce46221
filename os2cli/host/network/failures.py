"""Why a host could not be reached, in words that name what to change: a proxy, the clock, TLS."""

from __future__ import annotations

import os
import shlex
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from os2cli.host.network.proxies import Proxies, Proxy
from os2cli.host.network.tls import certificates, trust_problems
from os2cli.host.network.transport import ProxyFailed, Transport

DEFAULT_CODE, PROXY_CODE, PROXY_LOGIN_CODE = "unreachable", "proxy_failed", "proxy_login"
_CLOCK_CODE, _CERTIFICATE_CODE = "clock_wrong", "certificate_rejected"
# OpenSSL's verification results.
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
_NO_CHECK_TIME = 0x200000
_LOOK_SECONDS = 2.5
_MUCH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there was no answer; ``final`` if the next attempt would end alike.

    ``hint`` is None if nothing better is known than to check the address and the network.
    """

    text: str
    hint: str | None = None
    code: str = DEFAULT_CODE
    final: bool = False


def problem_of(error: BaseException, url: str) -> Problem:
    """Return what an error of httpx, for a request to ``url``, means."""
    for each in _causes(error):
        if isinstance(each, ProxyFailed):
            host = urlsplit(url).hostname or ""
            return proxy_problem(each.proxy, str(each), host, login=each.login)
        if isinstance(each, ssl.SSLCertVerificationError):
            return _certificate_problem(each, url)
    late = isinstance(error, httpx.TimeoutException)
    cause = "timed out" if late else str(error) or type(error).__name__
    # httpx raises both for an invalid address alone.
    invalid = isinstance(error, httpx.InvalidURL | ValueError)
    return Problem(f"cannot reach {_place(url)}: {cause}", final=invalid)


def proxy_problem(proxy: Proxy, text: str, host: str, *, login: bool) -> Problem:
    """Return the problem of a proxy that stands between this host and ``host``."""
    around = f"if {host} needs no proxy: export NO_PROXY={shlex.quote(host)}"
    if login:
        hint = (
            f"put the login into {proxy.variable}: {proxy.scheme}://USER:PASSWORD@{proxy.address}"
        )
        return Problem(f"cannot reach {host}: {text}", hint, PROXY_LOGIN_CODE, final=True)
    hint = f"check {proxy.variable}; {around}"
    return Problem(f"cannot reach {host}: {text}", hint, PROXY_CODE)


def problem_reaching(url: str) -> Problem | None:
    """Connect to the server of a URL, for what a client's own error does not tell.

    Sends no login. Return None for any answer.
    """
    parts = urlsplit(url)
    try:
        with httpx.Client(transport=Transport(), trust_env=False, timeout=_LOOK_SECONDS) as client:
            client.head(f"{parts.scheme}://{parts.netloc}/")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return problem_of(error, url)
    return None


def trust_hint() -> str:
    """Return what to do about an unknown certificate authority."""
    problems = trust_problems(os.environ)
    if problems:
        return f"{problems[0]}; name a file with CA certificates in PEM form, or unset it"
    return (
        "if a proxy inspects TLS, or the server has its own authority, set SSL_CERT_FILE to a file "
        "with its CA certificate"
    )


def _certificate_problem(error: ssl.SSLCertVerificationError, url: str) -> Problem:
    text = f"cannot reach {_place(url)}: {error}"
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        return _clock_problem(text, error.verify_code, _look(url))
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        host, names = urlsplit(url).hostname, ", ".join(_look(url).names)
        mismatch = f"its certificate is for {names or 'another name'}, not for {host}"
        hint = f"use a name of the certificate in the URL, or have {host} added to the certificate"
        return Problem(f"cannot reach {_place(url)}: {mismatch}", hint, _CERTIFICATE_CODE, True)
    return Problem(text, trust_hint(), final=True)


def _clock_problem(text: str, verify_code: int, seen: _Seen) -> Problem:
    now = datetime.now(UTC)
    clock = f"this host's clock says {_shown(now)}"
    if seen.time is not None and abs(seen.time - now) > _MUCH:
        hint = f"set the clock: {clock}, the server's {_shown(seen.time)}"
    elif seen.time is not None and verify_code == _EXPIRED:
        hint = f"have the certificate renewed: {clock}, as the server's does"
    else:
        hint = f"check the clock: {clock}"
    if seen.validity:
        hint += f"; the certificate is valid from {seen.validity}"
    return Problem(text, hint, _CLOCK_CODE, final=True)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a server whose certificate was rejected says of itself: of use in a hint alone."""

    names: tuple[str, ...] = ()
    validity: str = ""
    time: datetime | None = None


def _look(url: str) -> _Seen:
    """Ask for nothing but the certificate and the time, without a login."""
    context = certificates()
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    parts = urlsplit(url)
    try:
        with (
            httpx.Client(
                transport=Transport(context), trust_env=False, timeout=_LOOK_SECONDS
            ) as client,
            client.stream("HEAD", f"{parts.scheme}://{parts.netloc}/") as answer,
        ):
            connection = answer.extensions["network_stream"].get_extra_info("ssl_object")
            return _seen(connection.getpeercert() or {}, answer.headers.get("date"))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, AttributeError):
        return _Seen()


def _seen(certificate: dict[str, Any], date: str | None) -> _Seen:
    names = tuple(str(value) for _, value in certificate.get("subjectAltName", ()))
    validity = f"{certificate['notBefore']} to {certificate['notAfter']}"
    try:
        return _Seen(names, validity, parsedate_to_datetime(date or "").astimezone(UTC))
    except ValueError:
        return _Seen(names, validity)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _place(url: str) -> str:
    host = url.partition("://")[2].partition("/")[0]
    try:
        proxy = Proxies.of_process().for_url(url)
    except ValueError:  # of an invalid address, whose error tells what is wrong
        return host
    return host if proxy is None else f"{host} through {proxy}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # An error that is raised again may be among its own causes.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
