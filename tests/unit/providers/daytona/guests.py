"""The inside of a sandbox as its API answers for it."""

from __future__ import annotations

import io
import re

import httpx

from os2cli.core.models import Command, Streams
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines.executions import Execution
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.wires import Wire, ok

ADDRESS = "http://127.0.0.1:3986/toolbox"
_SESSION = re.compile(r"os2-[0-9a-f]{32}")


class GuestWire(Wire):
    """A wire whose script names each session, and each file of ours, only ``ID``."""

    def line(self, request: httpx.Request) -> str:
        """Of the path below the API of all sandboxes."""
        return f"{request.method} {_SESSION.sub('ID', request.url.path.removeprefix('/toolbox'))}"


def sandbox_path(path: str) -> str:
    """Return a path below the sandbox's toolbox, as the wire's script has it."""
    return f"/{sandbox()['id']}{path}"


CREATE = f"POST {sandbox_path('/process/session')}"
START = f"POST {sandbox_path('/process/session/ID/exec')}"
STATE = f"GET {sandbox_path('/process/session/ID/command/c1')}"
LOGS = f"GET {sandbox_path('/process/session/ID/command/c1/logs')}"
END = f"DELETE {sandbox_path('/process/session/ID')}"
UPLOAD = f"POST {sandbox_path('/files/upload')}"
DOWNLOAD = f"GET {sandbox_path('/files/download')}"
FORGET = f"DELETE {sandbox_path('/files')}"
ENTRYPOINT = f"GET {sandbox_path('/process/session/entrypoint/logs')}"
STARTED = httpx.Response(202, json={"cmdId": "c1"})
DONE = httpx.Response(204)


def toolbox(client: DaytonaClient) -> Toolbox:
    return Toolbox(client, SandboxAnswer.model_validate(sandbox(toolboxProxyUrl=ADDRESS)), "dev-1")


def state(code: int | None = None) -> httpx.Response:
    return ok({"id": "c1", "command": "x", **({} if code is None else {"exitCode": code})})


def wrote(stdout: str = "", stderr: str = "") -> httpx.Response:
    return ok({"output": stdout + stderr, "stdout": stdout, "stderr": stderr})


def begun(wire: Wire) -> Wire:
    """Expect a session in which a command is started."""
    return wire.on(CREATE, httpx.Response(201)).on(START, STARTED)


def looks(wire: Wire, *found: tuple[int | None, str]) -> Wire:
    """One look after the other: the exit code, and all that was written to stdout until then."""
    for code, text in found:
        wire.on(STATE, state(code)).on(LOGS, wrote(text))
    return wire


def run(execution: Execution, *argv: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
    stdout, stderr = io.BytesIO(), io.BytesIO()
    source = None if stdin is None else io.BytesIO(stdin)
    code = execution.run(Command(argv or ("x",)), Streams(stdout, stderr, source))
    return code, stdout.getvalue(), stderr.getvalue()
