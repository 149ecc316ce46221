"""Questions to supervisor over its Unix socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from typing import Any

ANSWER_SECONDS = 5.0
# Of supervisor's own numbers those that mean that there is nothing to do.
ALREADY_STARTED, NOT_RUNNING = 60, 70


class Refused(OSError):
    """Supervisor answered that it can't or won't."""

    def __init__(self, fault: xmlrpc.client.Fault) -> None:
        super().__init__(str(fault.faultString))
        self.code = int(fault.faultCode)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Supervisor:
    """The supervisor behind a socket; ``OSError`` when it does not answer."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask(self, method: str, *arguments: Any) -> Any:
        """The answer to one question; raises ``Refused``."""
        body = xmlrpc.client.dumps(arguments, f"supervisor.{method}")
        connection = _UnixConnection(self._path)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"supervisor answered {response.status} to {method}")
            (answer,), _ = xmlrpc.client.loads(response.read())
            return answer
        except xmlrpc.client.Fault as fault:
            raise Refused(fault) from None
        except http.client.HTTPException as error:
            raise OSError(f"supervisor did not answer {method}: {error!r}") from error
        finally:
            connection.close()

    def processes(self) -> dict[str, dict[str, Any]]:
        """Everything that it supervises, by program."""
        return {str(info["name"]): info for info in self.ask("getAllProcessInfo")}

    def full_name(self, program: str) -> str:
        """The name with which a program is addressed; raises ``ValueError`` for a foreign one."""
        info = self.processes().get(program)
        if info is None:
            raise ValueError(f"{program} is not supervised")
        return f"{info['group']}:{info['name']}"

    def change(self, method: str, program: str, *arguments: Any) -> None:
        """Ask for a change of one program; one that is there already is fine."""
        try:
            self.ask(method, self.full_name(program), *arguments)
        except Refused as refusal:
            if refusal.code not in (ALREADY_STARTED, NOT_RUNNING):
                raise
