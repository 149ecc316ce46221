"""The HTTP API of a Docker engine: just enough to see what os2 requests."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from os2cli.host.repository import locate_source
from os2cli.host.repository_id import repository_id
from os2cli.providers import labels
from tests.serving import HOST, Quiet, http_server

IMAGE_ID = "sha256:" + "1" * 64
EMPTY_TAR = b"\0" * 1024
IMAGE: dict[str, Any] = {
    "Id": IMAGE_ID,
    "Created": "2026-01-11T19:30:45Z",
    "Size": 1_040_000_000,
    "Architecture": "amd64",
    "Os": "linux",
    "RepoTags": ["iterate-sandbox:local"],
    "Config": {
        "Labels": {labels.IMAGE_KEY: "3" * 64, labels.IMAGE_NAME: "iterate-sandbox:local"},
        "Env": [],
    },
    "RootFS": {"Layers": []},
}


@dataclass
class EngineStub:
    """The requests that it received; ``containers`` and ``networks`` are those it has.

    ``repository`` returns the id of the repository that its image is from; ``marks`` are the
    image's labels if they are not those of an image that os2 built.
    """

    url: str = ""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    repository: Callable[[], str] = str
    marks: dict[str, str] | None = None
    names: list[str] = field(default_factory=lambda: ["iterate-sandbox:local"])

    @property
    def image(self) -> dict[str, Any]:
        """The one image."""
        config = IMAGE["Config"]
        built = {**config["Labels"], labels.IMAGE_REPOSITORY: self.repository()}
        marks = built if self.marks is None else self.marks
        return {**IMAGE, "RepoTags": self.names, "Config": {**config, "Labels": marks}}

    def add_foreign(self, name: str) -> None:
        """Have a container that os2 did not make."""
        self.containers[name] = {
            "Id": name,
            "Name": f"/{name}",
            "Created": "2026-01-11T19:30:45Z",
            "Image": IMAGE_ID,
            "Config": {"Image": "postgres", "Labels": {}},
            "HostConfig": {},
            "State": {"Status": "running"},
        }

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        path = re.sub(r"^/v[\d.]+", "", path)
        self.requests.append((method, path, body.decode(errors="replace")))
        path = path.partition("?")[0]
        if path in ("/_ping", "/version", "/info"):
            return 200, {"ApiVersion": "1.41", "Version": "20.10.24", "DriverStatus": []}
        if path == "/containers/json":
            return 200, [
                {"Id": name, "Names": [f"/{name}"], "Labels": each["Config"].get("Labels")}
                for name, each in self.containers.items()
            ]
        if path == "/containers/create":
            return self._create(json.loads(body))
        if path == "/images/json":
            image = self.image
            return 200, [{**image, "Created": 1_768_159_845, "Labels": image["Config"]["Labels"]}]
        if path.startswith("/networks"):
            return self._network(method, path, body)
        if path == "/build":
            return 200, {"stream": "Successfully built 111111111111\n"}
        if path.startswith("/images/"):
            return (404, {"message": "No such image"}) if "missing" in path else (200, self.image)
        found = re.fullmatch(r"/containers/([^/]+)(/\w+)?", path)
        return self._container(method, found[1], found[2]) if found else (404, {"message": path})

    def _network(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/networks/create":
            request = json.loads(body)
            network = {"Id": request["Name"], "IPAM": request["IPAM"], "Labels": request["Labels"]}
            self.networks[request["Name"]] = network
            return 201, {"Id": request["Name"], "Warning": ""}
        if method == "DELETE":
            gone = self.networks.pop(path.removeprefix("/networks/"), None) is None
            return (404, {"message": "no such network"}) if gone else (204, b"")
        return 200, list(self.networks.values())

    def _create(self, request: dict[str, Any]) -> tuple[int, Any]:
        if "missing" in request["Image"]:
            return 404, {"message": "No such image"}
        name = request["Labels"][labels.NAME]
        self.containers[f"os2-{name}"] = {
            "Id": f"os2-{name}",
            "Name": f"/os2-{name}",
            "Created": "2026-01-11T19:30:45Z",
            "Image": IMAGE_ID,
            "Config": request,
            "HostConfig": request["HostConfig"],
            "State": {"Status": "running", "Health": {"Status": "healthy"}},
        }
        return 201, {"Id": f"os2-{name}", "Warnings": []}

    def _container(self, method: str, name: str, verb: str | None) -> tuple[int, Any]:
        if name not in self.containers:
            return 404, {"message": f"No such container: {name}"}
        if verb == "/archive":
            return 200, EMPTY_TAR
        if verb == "/logs":
            return 200, b""
        if method == "DELETE":
            del self.containers[name]
            return 204, b""
        if verb == "/json":
            return 200, self.containers[name]
        if verb == "/stop":
            self.containers[name]["State"] = {"Status": "exited", "ExitCode": 0}
        if verb == "/start":
            self.containers[name]["State"] = {"Status": "running"}
        return 204, b""


def repository_of(folder: Path, home: Path) -> str:
    """Return the id of the repository that os2 builds from in a directory."""
    return repository_id(locate_source(folder, None, None), home / ".local/state/os2")


@contextmanager
def engine_stub() -> Iterator[EngineStub]:
    """Run an engine stub on this host."""
    stub = EngineStub()

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            status, answer = stub.answer(self.command, self.path, self._body())
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("X-Docker-Container-Path-Stat", base64.b64encode(b"{}").decode())
            self.send_header("Content-Type", "application/json")
            self.send_header("Ostype", "linux")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

    with http_server(Handler) as port:
        stub.url = f"tcp://{HOST}:{port}"
        yield stub
