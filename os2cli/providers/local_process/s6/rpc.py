"""XML-RPC to supervisor over its Unix socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from typing import Any

ANSWER_SECONDS = 5.0
# Supervisor's fault codes that mean there is nothing to do.
ALREADY_STARTED, NOT_RUNNING = 60, 70


class Refused(OSError):
    """A fault that supervisor returned."""

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
    """The supervisor behind a socket; methods raise ``OSError`` if it does not answer."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method and return its result; raises ``Refused``."""
        body = xmlrpc.client.dumps(arguments, f"supervisor.{method}")
        connection = _UnixConnection(self._path)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"supervisor returned {response.status} to {method}")
            (answer,), _ = xmlrpc.client.loads(response.read())
            return answer
        except xmlrpc.client.Fault as fault:
            raise Refused(fault) from None
        except http.client.HTTPException as error:
            raise OSError(f"supervisor did not answer {method}: {error!r}") from error
        finally:
            connection.close()

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return all supervised processes by program."""
        return {str(info["name"]): info for info in self.ask("getAllProcessInfo")}

    def full_name(self, program: str) -> str:
        """Return a program's name with its group; raises ``ValueError`` if it is not supervised."""
        info = self.processes().get(program)
        if info is None:
            raise ValueError(f"{program} is not supervised")
        return f"{info['group']}:{info['name']}"

    def change(self, method: str, program: str, *arguments: Any) -> None:
        """Change one program's state; nothing happens if it already has that state."""
        try:
            self.ask(method, self.full_name(program), *arguments)
        except Refused as refusal:
            if refusal.code not in (ALREADY_STARTED, NOT_RUNNING):
                raise
