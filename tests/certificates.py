"""Certificates that tests make, and a TLS server in front of a plain one."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests.proxies import Between
from tests.serving import HOST

DAY = timedelta(days=1)


class Authority:
    """An authority, and the file with its certificate."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(
        self, *names: str, begins: timedelta = -DAY, ends: timedelta = DAY
    ) -> ssl.SSLContext:
        """Return a server's context with a certificate; the times are relative to now."""
        now = datetime.now(UTC)
        certificate = self._ca.issue_cert(*names, not_before=now + begins, not_after=now + ends)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


class TlsFront(Between):
    """Speaks TLS, and passes what it gets on to a port of this computer."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        super().__init__()
        self._context = context
        self._behind = port

    def handle(self, connection: socket.socket) -> None:
        with (
            self._context.wrap_socket(connection, server_side=True) as secure,
            socket.create_connection((HOST, self._behind)) as other,
        ):
            self.join(secure, other)
