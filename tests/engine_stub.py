"""The HTTP API of a Docker engine: just enough to see what os2 requests."""

from __future__ import annotations

import base64
import io
import json
import queue
import re
import socket
import socketserver
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc

from os2cli.host.repository import locate_source
from os2cli.host.repository_id import repository_id
from os2cli.providers import labels
from tests.grpc_caller import calling, receive
from tests.serving import HOST, Quiet, serving_forever
from tests.trial_stub import is_trial, trial_output, trial_server

IMAGE_ID = "sha256:" + "1" * 64
HUGE_BYTES = 2 * 2**20
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


def frame(stream: int, data: bytes) -> bytes:
    """Return data as the engine sends it on a connection with two streams."""
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class Fault(StrEnum):
    """What happens to a request, which takes effect or not, and to its answer."""

    RESET_BEFORE = auto()
    RESET_AFTER = auto()
    LOST_ANSWER = auto()
    HANG_BEFORE = auto()
    HANG_AFTER = auto()
    DRIP_HEAD = auto()
    DRIP_BODY = auto()
    REDIRECT = auto()
    GARBAGE = auto()
    TRUNCATED = auto()
    HTML = auto()
    HTML_ERROR = auto()
    HUGE = auto()
    HUGE_ERROR = auto()
    EMPTY_LIST = auto()
    EMPTY_OBJECT = auto()
    NULL = auto()
    NUMBER = auto()
    TEXT = auto()
    LIST_OF_NULL = auto()
    WRONG_TYPES = auto()
    DEEP = auto()
    STATUS_400 = auto()
    STATUS_401 = auto()
    STATUS_403 = auto()
    STATUS_404 = auto()
    STATUS_409 = auto()
    STATUS_429 = auto()
    STATUS_500 = auto()
    STATUS_503 = auto()

    @property
    def status(self) -> int | None:
        """The status of an error response in the engine's own form."""
        return int(self.value[-3:]) if self.value.startswith("status_") else None


_BODIES: dict[Fault, bytes] = {
    Fault.EMPTY_LIST: b"[]",
    Fault.EMPTY_OBJECT: b"{}",
    Fault.NULL: b"null",
    Fault.NUMBER: b"7",
    Fault.TEXT: b'"text"',
    Fault.LIST_OF_NULL: b"[null]",
    Fault.WRONG_TYPES: json.dumps(
        dict.fromkeys(("Id", "Names", "Labels", "State", "Config", "HostConfig", "Name"), 7)
    ).encode(),
    Fault.DEEP: b"[" * 100_000,
    Fault.HTML: b"<html><body>hello</body></html>",
    Fault.HTML_ERROR: b"<html><body>bad gateway</body></html>",
    Fault.HUGE: b'["' + b"x" * HUGE_BYTES + b'"]',
    Fault.HUGE_ERROR: b"x" * HUGE_BYTES,
}


@dataclass
class EngineStub:
    """The requests that it received; ``containers`` and ``networks`` are those it has.

    ``repository`` returns the id of the repository that its image is from; ``marks`` are the
    image's labels if they are not those of an image that os2 built. ``files`` are those that were
    unpacked in any container, by their paths.

    ``faults`` has the number of a request, from 0, and what happens to it; requests for the
    engine's version do not count. ``on_request`` is called with the number before the answer.
    """

    url: str = ""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    repository: Callable[[], str] = str
    marks: dict[str, str] | None = None
    names: list[str] = field(default_factory=lambda: ["iterate-sandbox:local"])
    files: dict[str, bytes] = field(default_factory=dict)

    faults: dict[int, Fault] = field(default_factory=dict)
    on_request: Callable[[int], None] = lambda _: None
    ended: threading.Event = field(default_factory=threading.Event)
    count: int = 0
    drip_seconds: float = 1.0
    stop_code: int = 0
    podman: bool = False
    built: dict[str, str] = field(
        default_factory=lambda: {"stream": "Successfully built 111111111111\n"}
    )
    sessions: queue.Queue[grpc.Channel] = field(default_factory=queue.Queue)
    # What a trial's program prints instead, and whether its server listens.
    trial: dict[str, str] = field(default_factory=dict)
    trial_listens: bool = True
    _output: bytes = b""
    _servers: dict[str, ExitStack] = field(default_factory=dict)

    @property
    def image(self) -> dict[str, Any]:
        """The one image."""
        config = IMAGE["Config"]
        built = {**config["Labels"], labels.IMAGE_REPOSITORY: self.repository()}
        marks = built if self.marks is None else self.marks
        return {**IMAGE, "RepoTags": self.names, "Config": {**config, "Labels": marks}}

    def add_foreign(self, name: str) -> None:
        """Have a container that os2 did not make, and a network."""
        self.networks[name] = {"Id": name, "IPAM": {"Config": []}, "Labels": {}}
        self.containers[name] = {
            "Id": name,
            "Name": f"/{name}",
            "Created": "2026-01-11T19:30:45Z",
            "Image": IMAGE_ID,
            "Config": {"Image": "postgres", "Labels": {}},
            "HostConfig": {},
            "State": {"Status": "running"},
        }

    def rename(self, container: str, name: str) -> None:
        """Rename a container, as ``docker rename`` does; the stub's ids are names."""
        self.containers[name] = {**self.containers.pop(container), "Id": name, "Name": f"/{name}"}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        path = re.sub(r"^/v[\d.]+", "", path)
        self.requests.append((method, path, body.decode(errors="replace")))
        path, _, query = path.partition("?")
        wanted = _wanted_labels(query)
        if path in ("/_ping", "/version", "/info"):
            return 200, {"ApiVersion": "1.41", "Version": "20.10.24", "DriverStatus": []}
        if path == "/containers/json":
            return 200, [
                {
                    "Id": each.get("Id", name),
                    "Names": [f"/{name}"],
                    "Labels": each.get("Config", {}).get("Labels"),
                }
                for name, each in self.containers.items()
                if wanted <= _pairs(each.get("Config", {}).get("Labels"))
            ]
        if path == "/containers/create":
            return self._create(json.loads(body), parse_qs(query)["name"][0])
        if path == "/images/json":
            image = self.image
            return 200, [{**image, "Created": 1_768_159_845, "Labels": image["Config"]["Labels"]}]
        if path.startswith("/networks"):
            return self._network(method, path, body, wanted)
        if path == "/commit":
            return 201, {"Id": "sha256:" + "2" * 64}
        if path == "/session":
            return 200, b""
        if path == "/build":
            self._fetch(parse_qs(query))
            return 200, self.built
        if path.startswith("/images/") and path.endswith("/tag"):
            return 201, b""
        if path.startswith("/images/"):
            return (404, {"message": "No such image"}) if "missing" in path else (200, self.image)
        if path.startswith("/exec/"):
            return 200, {"ExitCode": 0} if path.endswith("/json") else self._output
        if path.endswith("/archive") and path.split("/")[2] in self.containers:
            return 200, self._archive(method, parse_qs(query)["path"][0], body)
        found = re.fullmatch(r"/containers/([^/]+)(/\w+)?", path)
        if found and found[2] == "/exec" and found[1] in self.containers:
            return self._create_execution(json.loads(body), self.containers[found[1]])
        if found and found[2] == "/rename":
            name = parse_qs(query)["name"][0]
            self.containers[name] = {**self.containers.pop(found[1]), "Name": f"/{name}"}
            return 204, b""
        return self._container(method, found[1], found[2]) if found else (404, {"message": path})

    def _fetch(self, parameters: Mapping[str, list[str]]) -> None:
        """Get the files of a build that has a session."""
        if "session" in parameters:
            channel = self.sessions.get(timeout=20)
            receive(channel, "dockerfile", parameters["dockerfile"])
            receive(channel, "context")

    def _network(self, method: str, path: str, body: bytes, wanted: set[str]) -> tuple[int, Any]:
        if path == "/networks/create":
            request = json.loads(body)
            network = {"Id": request["Name"], "IPAM": request["IPAM"], "Labels": request["Labels"]}
            self.networks[request["Name"]] = network
            return 201, {"Id": request["Name"], "Warning": ""}
        if method == "DELETE":
            gone = self.networks.pop(path.removeprefix("/networks/"), None) is None
            return (404, {"message": "no such network"}) if gone else (204, b"")
        return 200, [each for each in self.networks.values() if wanted <= _pairs(each["Labels"])]

    def _create(self, request: dict[str, Any], name: str) -> tuple[int, Any]:
        if "missing" in request["Image"]:
            return 404, {"message": "No such image"}
        self.containers[name] = {
            "Id": name,
            "Name": f"/{name}",
            "Created": "2026-01-11T19:30:45Z",
            "Image": IMAGE_ID,
            # A container also has the labels of its image.
            "Config": {
                **request,
                "Labels": {**self.image["Config"]["Labels"], **request["Labels"]},
            },
            "HostConfig": request["HostConfig"],
            "State": {"Status": "running", "Health": {"Status": "healthy"}},
        }
        return 201, {"Id": name, "Warnings": []}

    def _create_execution(
        self, request: dict[str, Any], container: Mapping[str, Any]
    ) -> tuple[int, Any]:
        """Create what ends at once; the head and the output of its start come together."""
        environment = dict(pair.split("=", 1) for pair in request.get("Env") or [])
        mark = environment.get("OS2_RUN_MARK", "").encode()
        sent = self.files.get("/mnt/repo/mark", b"").decode()
        output = trial_output(sent, self.trial) if is_trial(container) else b"out\n"
        end = mark + b":0;\n"
        self._output = frame(1, mark + b"\n") + frame(1, output + end) + frame(2, end)
        return 201, {"Id": "e"}

    def _archive(self, method: str, path: str, body: bytes) -> bytes:
        """Unpack a tar below a path, or pack a file."""
        if method == "PUT":
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isreg() else None
                    if content:
                        self.files[f"{path}/{member.name}"] = content.read()
            return b""
        if path not in self.files:
            return EMPTY_TAR
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(path.rpartition("/")[2])
            member.size = len(self.files[path])
            archive.addfile(member, io.BytesIO(self.files[path]))
        return packed.getvalue()

    def _container(self, method: str, name: str, verb: str | None) -> tuple[int, Any]:
        by_id = (each for each, found in self.containers.items() if found.get("Id") == name)
        name = name if name in self.containers else next(by_id, name)
        if name not in self.containers:
            return 404, {"message": f"No such container: {name}"}
        if verb == "/logs":
            return 200, frame(1, b"a line\n")
        if method == "DELETE":
            del self.containers[name]
            self._servers.pop(name, ExitStack()).close()
            return 204, b""
        if verb == "/json":
            return 200, self.containers[name]
        if verb == "/stop":
            self.containers[name]["State"] = {"Status": "exited", "ExitCode": self.stop_code}
        if verb == "/start":
            self.containers[name]["State"] = {"Status": "running"}
            if is_trial(self.containers[name]) and self.trial_listens:
                self._servers[name] = trial_server(self.containers[name])
        return 204, b""


def _wanted_labels(query: str) -> set[str]:
    """Return the labels, as KEY=VALUE, that the filters of a list ask for."""
    filters = parse_qs(query).get("filters", ["{}"])[0]
    return {each for each in json.loads(filters).get("label", []) if "=" in each}


def _pairs(marks: Mapping[str, str] | None) -> set[str]:
    return {f"{key}={value}" for key, value in (marks or {}).items()}


def repository_of(folder: Path, home: Path) -> str:
    """Return the id of the repository that os2 builds from in a directory."""
    return repository_id(locate_source(folder, None, None), home / ".local/state/os2")


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[socket.socket, Any]:
        """Return a connection with an address that ``http.server`` understands."""
        connection, _ = super().get_request()
        return connection, (HOST, 0)


@contextmanager
def engine_stub(path: Path | None = None) -> Iterator[EngineStub]:
    """Run an engine stub on this host, on a port or on a Unix socket."""
    stub = EngineStub()
    numbering = threading.Lock()

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self._body()
            fault = None
            if not self.path.endswith(("/version", "/_ping", "/info")):
                with numbering:
                    number = stub.count
                    stub.count += 1
                stub.on_request(number)
                fault = stub.faults.get(number)
            if fault in (Fault.RESET_BEFORE, Fault.HANG_BEFORE):
                return self._end(hang=fault is Fault.HANG_BEFORE)
            if fault is not None and fault.status is not None:
                return self._answer(fault.status, json.dumps({"message": "no"}).encode())
            status, answer = stub.answer(self.command, self.path, body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            if fault in (Fault.RESET_AFTER, Fault.LOST_ANSWER, Fault.HANG_AFTER):
                return self._end(hang=fault is Fault.HANG_AFTER, reset=fault is Fault.RESET_AFTER)
            if fault in (Fault.DRIP_HEAD, Fault.DRIP_BODY, Fault.GARBAGE, Fault.TRUNCATED):
                return self._send_badly(fault, status, data)
            if fault is Fault.REDIRECT:
                status = 307
            elif fault in (Fault.HTML_ERROR, Fault.HUGE_ERROR):
                status = 502
            if fault is None and re.search(r"/exec/\w+/start$|/session$", urlsplit(self.path).path):
                return self._become_a_stream(data)
            kind = "text/html" if fault in (Fault.HTML, Fault.HTML_ERROR) else "application/json"
            return self._answer(status, data if fault is None else _BODIES.get(fault, data), kind)

        def _answer(self, status: int, data: bytes, kind: str = "application/json") -> None:
            with suppress(OSError):
                self.wfile.write(self._head(status, kind, len(data)) + data)

        def _head(self, status: int, kind: str, length: int) -> bytes:
            stat = base64.b64encode(b"{}").decode()
            location = f"Location: {self.path}\r\n" if status == 307 else ""
            podman = "Libpod-API-Version: 4.3.1\r\n" if stub.podman else ""
            return (
                f"HTTP/1.1 {status} x\r\nX-Docker-Container-Path-Stat: {stat}\r\n{location}{podman}"
                f"Content-Type: {kind}\r\nOstype: linux\r\nContent-Length: {length}\r\n\r\n"
            ).encode()

        def _become_a_stream(self, data: bytes) -> None:
            head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
            self.close_connection = True
            with suppress(OSError):
                self.wfile.write(head + data)
                if "/session" in self.path:
                    hung_up = threading.Event()
                    with calling(self.connection, hung_up) as channel:
                        stub.sessions.put(channel)
                        hung_up.wait(60)

        def _end(self, *, hang: bool = False, reset: bool = True) -> None:
            if hang:
                stub.ended.wait(60)
            if reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()

        def _send_badly(self, fault: Fault, status: int, data: bytes) -> None:
            head = self._head(status, "application/json", max(len(data), 100))
            self.close_connection = True
            with suppress(OSError):
                if fault is Fault.GARBAGE:
                    self.wfile.write(b"\x00\xff garbage\r\n\r\n")
                elif fault is Fault.TRUNCATED:
                    self.wfile.write(head + data[: len(data) // 2])
                else:
                    at_once = head if fault is Fault.DRIP_BODY else b""
                    self.wfile.write(at_once)
                    for byte in (head + data.ljust(100))[len(at_once) :]:
                        self.wfile.write(bytes([byte]))
                        if stub.ended.wait(stub.drip_seconds):
                            return

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

    if path is not None:
        server: socketserver.BaseServer = _UnixServer(str(path), Handler)
        stub.url = f"unix://{path}"
    else:
        server = ThreadingHTTPServer((HOST, 0), Handler)
        stub.url = f"tcp://{HOST}:{server.server_port}"
    with serving_forever(server):
        try:
            yield stub
        finally:
            stub.ended.set()
