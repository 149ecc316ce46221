"""A registry that wants a token, as Docker Hub does: from its token server, also for anonymous use.

The registry answers 401 with the realm, and checks the tokens' signatures and scopes itself. Who
has no login may pull what is below ``library/``. Source: the distribution project's token
specification.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import load_pem_x509_certificate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.docker_registry import DockerRegistry, Login
from tests.serving import HOST, asgi_server

PUBLIC = "library/"
LIFETIME_SECONDS = 300
_SERVICE, _ISSUER = "registry.test", "auth.test"


@dataclass
class TokenServer:
    """Gives tokens to who has the login, and without one for pulling what is public.

    ``asked`` are the users and scopes of the requests; the user is empty for anonymous ones.
    """

    login: Login
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._authority = trustme.CA()
        self._certificate = self._authority.issue_cert(_ISSUER)
        key = serialization.load_pem_private_key(self._certificate.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    def app(self) -> Starlette:
        """Return the server's application."""
        return Starlette(routes=[Route("/token", self._answer, methods=["GET", "POST"])])

    def auth(self, url: str, folder: Path) -> str:
        """Return the registry's configuration; ``url`` is this server's."""
        roots = folder / "roots.pem"
        self._authority.cert_pem.write_to_path(str(roots))
        return (
            f'{{token: {{realm: "{url}/token", service: {_SERVICE}, issuer: {_ISSUER},'
            f" rootcertbundle: {roots}}}}}"
        )

    async def _answer(self, request: Request) -> Response:
        form = dict(await request.form()) if request.method == "POST" else {}
        given = self._given(request, form)
        if given not in (None, self.login.basic):
            return JSONResponse({"errors": [{"code": "UNAUTHORIZED"}]}, 401)
        scopes = request.query_params.getlist("scope") or str(form.get("scope", "")).split()
        user = given[0] if given else ""
        self.asked.extend((user, scope) for scope in scopes)
        token = self._token(user, [self._access(user, scope) for scope in scopes])
        answer = {"token": token, "access_token": token, "expires_in": LIFETIME_SECONDS}
        return JSONResponse(answer)

    def _given(self, request: Request, form: dict[str, Any]) -> tuple[str, str] | None:
        if form.get("grant_type") == "password":
            return str(form["username"]), str(form["password"])
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        return user, password

    def _access(self, user: str, scope: str) -> dict[str, Any]:
        kind, name, actions = scope.rsplit(":", 2) if scope.count(":") > 1 else ("", "", "")
        allowed = {"pull", "push", "*"} if user else {"pull"} if name.startswith(PUBLIC) else set()
        return {"type": kind, "name": name, "actions": [*({*actions.split(",")} & allowed)]}

    def _token(self, user: str, access: list[dict[str, Any]]) -> str:
        now = int(time.time())
        leaf = load_pem_x509_certificate(self._certificate.cert_chain_pems[0].bytes())
        chain = [base64.b64encode(leaf.public_bytes(serialization.Encoding.DER)).decode()]
        claims = {
            "iss": _ISSUER,
            "sub": user,
            "aud": _SERVICE,
            "access": access,
            "exp": now + LIFETIME_SECONDS,
            "nbf": now - 60,
            "iat": now,
            "jti": uuid.uuid4().hex,
        }
        parts = ({"typ": "JWT", "alg": "ES256", "x5c": chain}, claims)
        text = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self._key.sign(text, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return b".".join((text, _base64url(signature))).decode()


@contextmanager
def token_registry(login: Login) -> Iterator[tuple[DockerRegistry, TokenServer]]:
    """Run the registry and its token server."""
    tokens = TokenServer(login)
    with asgi_server(tokens.app()) as port:
        url = f"http://{HOST}:{port}"
        with DockerRegistry(lambda folder: tokens.auth(url, folder)) as registry:
            yield registry, tokens


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
