"""Which engine is chosen, and the message when it does not answer (each failure provoked)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import NotAuthorised, Os2Error, Unreachable, UsageError
from os2cli.providers.local_docker.engine.address import Endpoint, TlsFiles, parse_address
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.engine.endpoint import (
    DEFAULT_TCP,
    choose_socket,
    known_sockets,
    resolve_endpoint,
)
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable
from tests.serving import DEADLINE_SECONDS, HOST, ConnectionServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SOME_ADDRESS = r"((unix|TCP|tcp|http|ssh|fd|npipe|x)?:?/{0,3})[a-z0-9.:@%?#/\[\]_ -]{0,20}"
ORBSTACK = "unix:///Users/jonas/.orbstack/run/docker.sock"


def write_context(config: Path, name: str, host: str, **extra: object) -> Path:
    """Write a context as the Docker CLI does, and return the directory for its TLS files."""
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts/meta" / identity
    meta.mkdir(parents=True)
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, **extra}}}
    (meta / "meta.json").write_text(json.dumps(document))
    return config / "contexts/tls" / identity / "docker"


def write_pems(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.pem").write_text("-")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / ".docker"
    folder.mkdir()
    return folder


class TestOrder:
    def test_the_option_beats_every_variable(self, tmp_path: Path) -> None:
        variables = {"DOCKER_HOST": "tcp://b:1", "DOCKER_CONTEXT": "c"}
        found = resolve_endpoint(variables, tmp_path, docker_host="tcp://a:1")
        assert found == Endpoint("tcp://a:1", "--docker-host")

    def test_docker_host_beats_docker_context(self, tmp_path: Path) -> None:
        variables = {"DOCKER_HOST": " tcp://b:1 ", "DOCKER_CONTEXT": "c"}
        assert resolve_endpoint(variables, tmp_path) == Endpoint("tcp://b:1", "DOCKER_HOST")

    def test_docker_context_beats_the_current_one(self, tmp_path: Path, config: Path) -> None:
        write_context(config, "orbstack", ORBSTACK)
        (config / "config.json").write_text('{"currentContext": "other"}')
        found = resolve_endpoint({"DOCKER_HOST": "", "DOCKER_CONTEXT": "orbstack"}, tmp_path)
        assert found == Endpoint(ORBSTACK, "Docker context 'orbstack'")

    def test_the_current_context_is_used(self, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        write_context(elsewhere, "orbstack", ORBSTACK)
        (elsewhere / "config.json").write_text('{"currentContext": "orbstack"}')
        found = resolve_endpoint({"DOCKER_CONFIG": str(elsewhere)}, tmp_path)
        assert found.url == ORBSTACK

    @pytest.mark.parametrize("text", [None, "{}", '{"currentContext": "default"}'])
    def test_without_a_context_sockets_are_tried(
        self, tmp_path: Path, config: Path, text: str | None
    ) -> None:
        if text is not None:
            (config / "config.json").write_text(text)
        found = resolve_endpoint({}, tmp_path)
        assert found in (*known_sockets({}, tmp_path), DEFAULT_TCP)

    def test_the_default_context_overrides_the_current_one(
        self, tmp_path: Path, config: Path
    ) -> None:
        write_context(config, "orbstack", ORBSTACK)
        (config / "config.json").write_text('{"currentContext": "orbstack"}')
        assert resolve_endpoint({"DOCKER_CONTEXT": "default"}, tmp_path).url != ORBSTACK


class TestContexts:
    def test_an_unknown_one_is_an_error_that_lists_the_known(
        self, tmp_path: Path, config: Path
    ) -> None:
        write_context(config, "orbstack", ORBSTACK)
        write_context(config, "colima", "unix:///c.sock")
        with pytest.raises(UsageError) as caught:
            resolve_endpoint({"DOCKER_CONTEXT": "orbstak"}, tmp_path)
        assert caught.value.code == "context_unknown"
        assert str(caught.value) == "DOCKER_CONTEXT: Docker context 'orbstak' not found"
        assert caught.value.hint == "choose one of: default, colima, orbstack"

    def test_tls_material_comes_along(self, tmp_path: Path, config: Path) -> None:
        folder = write_context(config, "far", "tcp://far", SkipTLSVerify=True)
        write_pems(folder, "ca", "cert", "key")
        found = resolve_endpoint({"DOCKER_CONTEXT": "far"}, tmp_path)
        expected = TlsFiles(
            folder / "ca.pem", folder / "cert.pem", folder / "key.pem", verify=False
        )
        assert found == Endpoint("tcp://far:2376", "Docker context 'far'", expected)

    @pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"a":' * 100_000, " " * 1_000_001])
    def test_a_broken_config_is_an_error_that_names_it(
        self, tmp_path: Path, config: Path, text: str
    ) -> None:
        (config / "config.json").write_text(text, "latin-1")
        with pytest.raises(UsageError, match=r"\.docker/config\.json") as caught:
            resolve_endpoint({}, tmp_path)
        assert caught.value.code == "docker_config_invalid"

    @pytest.mark.parametrize("kind", ["fifo", "endless", "folder"])
    def test_what_is_not_a_file_does_not_block(
        self, tmp_path: Path, config: Path, kind: str
    ) -> None:
        file = config / "config.json"
        match kind:
            case "fifo":
                os.mkfifo(file)
            case "endless":
                file.symlink_to("/dev/zero")
            case "folder":
                file.mkdir()
        with pytest.raises(UsageError, match=r"cannot read .*config\.json"):
            resolve_endpoint({}, tmp_path)

    def test_a_context_without_an_engine_is_an_error(self, tmp_path: Path, config: Path) -> None:
        write_context(config, "k8s", "")
        with pytest.raises(UsageError, match="does not name a Docker engine"):
            resolve_endpoint({"DOCKER_CONTEXT": "k8s"}, tmp_path)


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("unix:///run/a b.sock", "unix:///run/a b.sock"),
            ("tcp://host", "tcp://host:2375"),
            ("tcp://:2375", "tcp://127.0.0.1:2375"),
            ("TCP://host:1/", "tcp://host:1"),
            ("http://host:1/base/", "tcp://host:1/base"),
            ("tcp://[::1]:2375", "tcp://[::1]:2375"),
            ("ssh://me:secret@host:22/?token=t", "ssh://host:22"),
            ("ssh://me@host", "ssh://host"),
            # As the client of Docker 28 takes them.
            ("127.0.0.1:2375", "tcp://127.0.0.1:2375"),
            ("127.0.0.1", "tcp://127.0.0.1:2375"),
            ("127.0.0.1:", "tcp://127.0.0.1:2375"),
            ("127.0.0.1:1/base", "tcp://127.0.0.1:1/base"),
            ("localhost", "tcp://localhost:2375"),
            ("localhost:1", "tcp://localhost:1"),
            (":1", "tcp://127.0.0.1:1"),
            ("tcp://", "tcp://127.0.0.1:2375"),
            ("[::1]:1", "tcp://[::1]:1"),
            ("::1", "tcp://[::1]:2375"),
            ("fe80::1:2", "tcp://[fe80::1:2]:2375"),
            ("127.0.0.1:01", "tcp://127.0.0.1:1"),
            ("unix", "tcp://unix:2375"),
            ("unix://", "unix:///var/run/docker.sock"),
        ],
    )
    def test_accepted(self, tmp_path: Path, config: Path, text: str, url: str) -> None:
        write_context(config, "same", text)

        assert resolve_endpoint({"DOCKER_HOST": f" {text}\n"}, tmp_path).url == url
        assert resolve_endpoint({}, tmp_path, docker_host=text).url == url
        assert resolve_endpoint({"DOCKER_CONTEXT": "same"}, tmp_path).url == url

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "/var/run/docker.sock",
            "unix:/run/docker.sock",
            "unix://run/docker.sock",
            "fd://",
            "npipe://",
            "npipe:////./pipe/docker_engine",
            "ssh:h",
            "://127.0.0.1:1",
            "a b",
            "u:secret@127.0.0.1:1",
            "127.0.0.1:\uff11",
            "tcp:/h:1",
            "127.0.0.1:1?x",
            "h\udcff:1",
            "ftp://host",
            "tcp://host:port",
            "tcp://host:0",
            "tcp://host:70000",
            "tcp://[::1",
            "tcp://me:secret@host:1",
            "tcp://host:1?x",
            "tcp://ho st:1",
            "ssh://",
            "tcp://host:1\x00",
        ],
    )
    def test_malformed_ones_name_their_origin(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            resolve_endpoint({}, tmp_path, docker_host=text)
        assert caught.value.code == "endpoint_invalid"
        assert caught.value.message.startswith("--docker-host: invalid engine address ")
        assert caught.value.hint
        assert "secret" not in caught.value.message
        # Nothing is advised that is refused, or in the words of a library.
        assert "or ssh://" not in caught.value.message
        assert "cast" not in caught.value.message

    def test_one_over_ssh_says_where_an_engine_must_be(self) -> None:
        with pytest.raises(UsageError) as caught:
            connect(parse_address("ssh://me@host", "DOCKER_HOST"))
        assert caught.value.code == "engine_ssh"
        assert caught.value.message == (
            "DOCKER_HOST: engines over SSH are not supported, since machines can be reached on this"
            " host only: ssh://host"
        )
        assert caught.value.hint == (
            "choose an engine on this host: --docker-host unix:///var/run/docker.sock"
        )

    @given(st.from_regex(_SOME_ADDRESS, fullmatch=True) | st.text(max_size=12))
    def test_any_text_is_an_address_or_malformed(self, text: str) -> None:
        with contextlib.suppress(UsageError):
            endpoint = parse_address(text, "DOCKER_HOST")
            assert endpoint.url.startswith(("unix:///", "tcp://", "ssh://"))
            # What os2 prints is an address with the same meaning.
            assert parse_address(endpoint.url, "DOCKER_HOST").url == endpoint.url

    @given(
        st.sampled_from(["tcp://", "", "https://"]),
        st.sampled_from(["127.0.0.1", "localhost", "[::1]", "a..b", "x" * 64, "[", "-"]),
        st.sampled_from([":1", ":0", ":65536", ":01", ":1/", ":1/a b", ":1//"]),
    )
    def test_what_is_taken_can_be_connected_to(self, scheme: str, host: str, rest: str) -> None:
        """Loopback, and what no resolver is asked for: any other failure would be unexpected."""
        with pytest.raises(Os2Error):
            connect(parse_address(f"{scheme}{host}{rest}", "DOCKER_HOST"), connect_seconds=0.5)

    def test_a_socket_with_a_long_path_is_unreachable(self) -> None:
        with pytest.raises(Unreachable):
            connect(parse_address(f"unix:///{'x' * 200}", "DOCKER_HOST"))

    def test_tls_variables_are_honoured(self, tmp_path: Path) -> None:
        write_pems(tmp_path / "certs", "ca", "cert", "key")
        variables = {
            "DOCKER_HOST": "tcp://far",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(tmp_path / "certs"),
        }
        found = resolve_endpoint(variables, tmp_path)
        assert found.url == "tcp://far:2376"
        assert found.tls is not None
        assert found.tls.key == tmp_path / "certs/key.pem"
        assert found.tls.verify

    def test_a_certificate_without_its_key_is_an_error(self, tmp_path: Path, config: Path) -> None:
        write_pems(config, "ca", "cert")
        variables = {"DOCKER_HOST": "tcp://far", "DOCKER_TLS_VERIFY": "1"}
        with pytest.raises(UsageError, match=r"only one of cert\.pem and key\.pem"):
            resolve_endpoint(variables, tmp_path)

    def test_a_missing_certificate_folder_is_an_error(self, tmp_path: Path) -> None:
        variables = {"DOCKER_HOST": "tcp://far", "DOCKER_CERT_PATH": str(tmp_path / "none")}
        with pytest.raises(UsageError) as caught:
            resolve_endpoint(variables, tmp_path)
        assert caught.value.code == "tls_files_missing"

    def test_https_without_files_trusts_the_system(self, tmp_path: Path) -> None:
        found = resolve_endpoint({}, tmp_path, docker_host="https://far")
        assert found == Endpoint("tcp://far:2376", "--docker-host", TlsFiles(None, None, None))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a public directory with a short name: a socket's path may have 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="os2-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def unix_socket(path: Path, *, listen: bool) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    if listen:
        bound.listen()
    return bound


class TestSockets:
    def test_one_that_accepts_is_preferred(self, folder: Path) -> None:
        stale, alive = (Endpoint(f"unix://{folder}/{name}", name) for name in ("stale", "alive"))
        with (
            unix_socket(folder / "stale", listen=False),
            unix_socket(folder / "alive", listen=True),
        ):
            assert choose_socket([stale, alive]) == alive
            assert choose_socket([stale]) == stale

    def test_only_sockets_count(self, folder: Path) -> None:
        (folder / "file").touch()
        names = ("file", "missing", "file/below")
        assert choose_socket(Endpoint(f"unix://{folder}/{name}", "") for name in names) is None

    def test_the_known_places(self, folder: Path) -> None:
        known = known_sockets({"XDG_RUNTIME_DIR": "/r"}, folder)
        places = {each.url: each.origin for each in known}
        assert next(iter(places)) == "unix:///var/run/docker.sock"
        assert places["unix:///r/docker.sock"] == "the socket of rootless Docker"
        assert places[f"unix://{folder}/.orbstack/run/docker.sock"] == "the socket of OrbStack"
        assert places["unix:///r/podman/podman.sock"] == "the socket of Podman"

    @pytest.mark.parametrize("variables", [{}, {"XDG_RUNTIME_DIR": "/r"}])
    def test_a_rootless_engine_is_found_without_a_login(
        self, folder: Path, variables: dict[str, str]
    ) -> None:
        """Under cron, ``su`` and ``sudo -u``, no variable names its directory, or another's."""
        places = [each.url for each in known_sockets(variables, folder)]
        usual = f"unix:///run/user/{os.getuid()}"
        assert f"{usual}/docker.sock" in places
        assert places.index(f"{usual}/podman/podman.sock") > places.index(f"{usual}/docker.sock")

    def test_a_socket_is_tried_once(self, folder: Path) -> None:
        places = known_sockets({"XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}/"}, folder)
        assert len({each.url for each in places}) == len(places)

    def test_an_engine_below_home_is_found(self, folder: Path) -> None:
        home = [each for each in known_sockets({}, folder) if str(folder) in each.url]
        with unix_socket(folder / ".colima/default/docker.sock", listen=True):
            found = choose_socket(home)
        assert found is not None
        assert found.origin == "the socket of Colima"


@contextlib.contextmanager
def serving(
    answer: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None
) -> Iterator[Endpoint]:
    """Serve ``answer`` to every TCP connection until the block ends."""
    with Answering(answer, tls) as server:
        yield Endpoint(f"tcp://{HOST}:{server.port}", "DOCKER_HOST")


class Answering(ConnectionServer):
    """A server that leaves each connection to ``answer``."""

    def __init__(self, answer: Callable[[socket.socket], None], tls: ssl.SSLContext | None) -> None:
        super().__init__()
        self.answer = answer
        self.tls = tls

    def handle(self, connection: socket.socket) -> None:
        """Answer, and keep the connection open until the test is over."""
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            self.answer(connection)
            self.ended.wait(DEADLINE_SECONDS)


def reply(text: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)
        connection.close()

    return answer


def http(status: str, kind: str, body: str) -> Callable[[socket.socket], None]:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return reply((head + body).encode())


def silent(connection: socket.socket) -> None:
    del connection


def failure(endpoint: Endpoint, tls: TlsFiles | None = None) -> Os2Error:
    """Return the error of the first request."""
    with pytest.raises(Os2Error) as caught:
        connect(replace(endpoint, tls=tls), connect_seconds=1)
    return caught.value


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a self-signed certificate for 127.0.0.1, its own authority."""
    folder = tmp_path_factory.mktemp("pems")
    options = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=os2"
    options += " -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", *options.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def server_tls(pems: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pems / "cert.pem", pems / "key.pem")
    return context


class TestExplanations:
    def test_a_missing_socket(self, folder: Path) -> None:
        endpoint = Endpoint(f"unix://{folder}/none.sock", "DOCKER_HOST")
        found = failure(endpoint)
        assert (found.exit_code, found.code) == (8, "engine_socket_missing")
        assert found.message == (
            f"cannot reach the Docker engine at unix://{folder}/none.sock (DOCKER_HOST): "
            "the socket does not exist"
        )
        assert found.details == {"endpoint": endpoint.url, "origin": "DOCKER_HOST"}

    def test_a_socket_that_a_stopped_engine_left(self, folder: Path) -> None:
        with unix_socket(folder / "stale", listen=False):
            found = failure(Endpoint(f"unix://{folder}/stale", "the socket of Colima"))
        assert found.code == "engine_refused"
        assert "that a stopped engine left behind" in found.message

    def test_a_file_that_is_not_a_socket(self, folder: Path) -> None:
        found = failure(Endpoint(f"unix://{folder}", "DOCKER_HOST"))
        assert found.code == "engine_refused"
        assert found.message.endswith("that file is not a socket")
        assert found.hint == "fix the path in DOCKER_HOST"

    def test_a_port_where_nothing_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        found = failure(Endpoint(f"tcp://127.0.0.1:{port}", "DOCKER_HOST"))
        assert (found.code, found.exit_code) == ("engine_refused", 8)
        assert found.message.endswith("is not running: nothing listens on that port")

    def test_no_engine_anywhere(self) -> None:
        found = explain_unreachable(DEFAULT_TCP, ConnectionRefusedError())
        assert found.message.startswith("no Docker engine found")

    def test_a_forbidden_socket(self, folder: Path) -> None:
        endpoint = Endpoint(f"unix://{folder}/forbidden", "the default socket")
        with unix_socket(folder / "forbidden", listen=True):
            (folder / "forbidden").chmod(0)
            failure(Endpoint(f"unix://{folder}/none", ""))  # imports everything while it may
            privileged = os.geteuid() == 0
            if privileged:
                os.seteuid(65534)
            try:
                found = failure(endpoint)
            finally:
                if privileged:
                    os.seteuid(0)
        assert isinstance(found, NotAuthorised)
        assert (found.exit_code, found.code) == (4, "engine_permission")
        assert 'sudo usermod -aG docker "$USER"' in (found.hint or "")

    def test_an_unknown_host(self) -> None:
        found = failure(Endpoint("tcp://no-such-host.invalid:2375", "DOCKER_HOST"))
        assert found.code == "engine_host_unknown"
        assert found.hint == "fix the host name in DOCKER_HOST"

    @pytest.mark.parametrize(
        ("answer", "evidence"),
        [
            (http("200 OK", "text/html", "<html>"), "its answer is invalid: it is not JSON"),
            (http("404 Not Found", "text/html", "<html>"), "it returned 404 without JSON"),
            (http("502 Bad Gateway", "text/html", "<html>"), "it returned 502 without JSON"),
            (http("200 OK", "application/json", "{}"), "its answer has no API version"),
            (http("200 OK", "application/json", "[]"), "its answer is invalid: the whole: "),
            (reply(b"garbage\r\n\r\n"), "its answer is not HTTP"),
            (reply(b""), "it closes the connection without an answer"),
        ],
    )
    def test_something_else_listens(
        self, answer: Callable[[socket.socket], None], evidence: str
    ) -> None:
        with serving(answer) as endpoint:
            found = failure(endpoint)
        assert found.code == "engine_not_docker"
        assert " is not a Docker engine: " in found.message
        assert evidence in found.message

    @pytest.mark.parametrize(
        ("text", "evidence"),
        [(b"garbage\r\n\r\n", "is not HTTP"), (b"", "closes the connection without an answer")],
    )
    def test_httpx_says_the_same(self, text: bytes, evidence: str) -> None:
        with serving(reply(text)) as endpoint, pytest.raises(httpx.HTTPError) as caught:
            httpx.get(endpoint.url.replace("tcp", "http"), trust_env=False, timeout=5)
        found = explain_unreachable(endpoint, caught.value)
        assert found.code == "engine_not_docker"
        assert found.message.endswith(evidence)

    def test_an_engine_that_fails(self) -> None:
        answer = http("503 Service Unavailable", "text/plain", "Docker Desktop is paused")
        with serving(answer) as endpoint:
            found = failure(endpoint)
        assert found.code == "engine_failed"
        assert found.message.endswith("returned 503: Docker Desktop is paused")

    def test_an_engine_that_hangs(self) -> None:
        with serving(silent) as endpoint:
            found = failure(endpoint)
        assert found.code == "engine_timeout"
        assert found.message.endswith("(DOCKER_HOST): it hangs or is overloaded")

    def test_an_engine_that_hangs_in_the_middle(self) -> None:
        def half(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{")

        with serving(half) as endpoint:
            assert failure(endpoint).code == "engine_timeout"

    def test_an_engine_that_accepts_no_connections(self, folder: Path) -> None:
        endpoint = Endpoint(f"unix://{folder}/full", "DOCKER_HOST")
        with contextlib.ExitStack() as stack:
            stack.enter_context(unix_socket(folder / "full", listen=False)).listen(0)
            for _ in range(2):
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(str(folder / "full"))
            assert failure(endpoint).code == "engine_timeout"

    def test_an_engine_that_stops_in_the_middle(self, folder: Path) -> None:
        endpoint = Endpoint(f"unix://{folder}/stopping", "the default socket")
        with unix_socket(folder / "stopping", listen=True) as listener:

            def stop() -> None:
                connection, _ = listener.accept()
                reply(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{")(connection)

            thread = threading.Thread(target=stop)
            thread.start()
            found = failure(endpoint)
            thread.join()
        assert found.code == "engine_closed"
        assert found.message.endswith("closed the connection: it stopped or restarted")

    def test_http_to_a_tls_port(self, server_tls: ssl.SSLContext) -> None:
        with serving(reply(b""), server_tls) as endpoint:
            found = failure(endpoint)
        assert found.code == "engine_tls"
        assert found.message.endswith("(DOCKER_HOST): it speaks TLS only")
        assert found.hint == "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"

    def test_http_to_the_tls_port_of_an_engine(self) -> None:
        body = "Client sent an HTTP request to an HTTPS server.\n"  # Go's answer
        with serving(reply(f"HTTP/1.0 400 Bad Request\r\n\r\n{body}".encode())) as endpoint:
            assert failure(endpoint).code == "engine_tls"

    def test_tls_to_an_http_port(self, pems: Path) -> None:
        trusting = TlsFiles(pems / "cert.pem", None, None)
        with serving(http("200 OK", "application/json", "{}")) as endpoint:
            found = failure(endpoint, trusting)
        assert found.code == "engine_tls"
        assert found.message.endswith("(DOCKER_HOST): the port does not speak TLS")

    def test_an_unknown_authority(self, server_tls: ssl.SSLContext) -> None:
        with serving(reply(b""), server_tls) as endpoint:
            found = failure(endpoint, TlsFiles(None, None, None))
        assert found.code == "engine_tls"
        assert "self-signed certificate" in found.message

    def test_a_missing_client_certificate(
        self, server_tls: ssl.SSLContext, pems: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they win over the SDK's own setting
            monkeypatch.delenv(name, raising=False)
        server_tls.verify_mode = ssl.CERT_REQUIRED
        server_tls.maximum_version = ssl.TLSVersion.TLSv1_2  # the refusal is part of the handshake
        trusting = TlsFiles(pems / "cert.pem", None, None)
        with serving(reply(b""), server_tls) as endpoint:
            found = failure(endpoint, trusting)
        assert found.code == "engine_tls"
        assert found.message.endswith("(DOCKER_HOST): it requires a client certificate")

    def test_a_proxy_is_not_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        found = failure(Endpoint("tcp://127.0.0.1:2", "DOCKER_HOST"))
        assert found.code == "engine_refused"

    def test_an_unknown_error_keeps_its_message(self) -> None:
        found = failure(Endpoint(f"unix:///{'a' * 200}", "DOCKER_HOST"))
        assert type(found) is Unreachable
        assert found.code == "unreachable"
        assert found.message.endswith("(DOCKER_HOST): AF_UNIX path too long")

    def test_our_own_errors_pass(self) -> None:
        own = UsageError("x")
        assert explain_unreachable(DEFAULT_TCP, own) is own
