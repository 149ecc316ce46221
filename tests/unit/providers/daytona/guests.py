"""The inside of a sandbox as its API answers for it."""

from __future__ import annotations

import re

import httpx

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.wires import Wire

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
END = f"DELETE {sandbox_path('/process/session/ID')}"
UPLOAD = f"POST {sandbox_path('/files/upload')}"
FOLDER = f"GET {sandbox_path('/files/info')}"
DOWNLOAD = f"GET {sandbox_path('/files/download')}"
ENTRYPOINT = f"GET {sandbox_path('/process/session/entrypoint/logs')}"
DONE = httpx.Response(204)


def toolbox(client: DaytonaClient) -> Toolbox:
    return Toolbox(client, SandboxAnswer.model_validate(sandbox(toolboxProxyUrl=ADDRESS)), "dev-1")
