"""What the container of a doctor's trial does, for the engine stub: it answers and looks around."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from os2cli.providers.local_docker.engine.temporary import LABEL
from tests.serving import HOST, Quiet, serving_forever


def is_trial(container: Mapping[str, Any]) -> bool:
    """Return whether a container is one of a trial."""
    return LABEL in (container.get("Config", {}).get("Labels") or {})


def trial_server(container: Mapping[str, Any]) -> ExitStack:
    """Serve the container's mark on its port of this host, until the stack is closed."""
    (mark,) = (each.partition("=")[2] for each in container["Config"]["Env"])
    (bindings,) = container["HostConfig"]["PortBindings"].values()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(mark.encode())

    running = ExitStack()
    server = ThreadingHTTPServer((HOST, int(bindings[0]["HostPort"])), Handler)
    running.enter_context(serving_forever(server))
    return running


def trial_output(sent: str, changes: Mapping[str, str]) -> bytes:
    """Return what its program prints: the time, the file that was ``sent``, the free space."""
    facts = {
        "clock": str(int(time.time())),
        "free": "50000000",
        "node": "/usr/bin/node",
        "resolves": "yes",
        "mark": sent,
    }
    return "".join(f"{name}={value}\n" for name, value in {**facts, **changes}.items()).encode()
