"""Every reader of a file that others may have put there, met by everything that is not one.

Each must answer at once: with its own error, or as if the file were not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

READERS = {
    "the repository's settings": ("r/os2.toml", "load_settings(root / 'r', {'HOME': str(root)})"),
    "the user's settings": (
        ".config/os2/config.toml",
        "load_settings(None, {'HOME': str(root)})",
    ),
    ".dockerignore": (".dockerignore", "collect(root, Path('Dockerfile'))"),
    "the Dockerfile's ignore file": (
        "Dockerfile.dockerignore",
        "collect(root, Path('Dockerfile'))",
    ),
    "the Dockerfile": ("d/Dockerfile", "collect(root / 'd', Path('Dockerfile')).dockerfile_text"),
    "a file of the context": (".env", "suspicious_files(collect(root, Path('Dockerfile')))"),
    "a file of the mount": (".env", "refuse_mounted_secrets(collect_mounted(root))"),
    "--env-file": ("a.env", "read_env_file(root / 'a.env')"),
    "Docker's configuration": ("config.json", "named_context({}, root)"),
    "a product's settings": ("daemon.json", "read_settings(root / 'daemon.json')"),
    "SSL_CERT_FILE": ("ca.pem", "trust_problems({'SSL_CERT_FILE': str(root / 'ca.pem')})"),
    "a certificate of the host": (
        "usr/local/share/ca-certificates/a.crt",
        "host_certificates(root, 'linux')",
    ),
}
NESTED = {"[": 100_000, "{'a':": 60_000, '{"a":': 60_000, "a=[": 30_000, "[[": 30_000}
TEXTS: dict[str, bytes] = {
    "not UTF-8": b"a = '\xff'\n",
    "digits": b"timeout = " + b"9" * 50_000,
    "nested TOML": b"timeout = " + b"[" * 40_000,
    "nested tables": b"timeout = " + b"{a=" * 20_000,
    "dotted": b"a." * 40_000 + b"a = 1",
    "dotted lines": b"".join(b"a%d." % n + b"a." * 240 + b"a = 1\n" for n in range(120)),
    "dotted tables": b"".join(b"[a%d" % n + b".a" * 240 + b"]\n" for n in range(120)),
    **{f"nested {sign}": sign.encode() * count for sign, count in NESTED.items()},
}
KINDS = (*TEXTS, "fifo", "link to /dev/zero", "link to a fifo", "loop", "directory", "8 GB")


def make(kind: str, path: Path) -> None:
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "link to /dev/zero":
            path.symlink_to("/dev/zero")
        case "link to a fifo":
            os.mkfifo(f"{path}.fifo")
            path.symlink_to(f"{path}.fifo")
        case "loop":
            path.symlink_to(path.name)
        case "directory":
            path.mkdir()
        case "8 GB":
            path.touch()
            os.truncate(path, 8 << 30)
        case _:
            path.write_bytes(TEXTS[kind])


PROGRAM = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from os2cli.core.errors import Os2Error
from os2cli.doctor.fixes.json_file import read_settings
from os2cli.host.certificates import host_certificates
from os2cli.host.network.tls import trust_problems
from os2cli.machines.environment import read_env_file
from os2cli.providers.local_docker.engine.contexts import named_context
from os2cli.settings.settings import load_settings
from os2cli.snapshots.context import collect, collect_mounted
from os2cli.snapshots.context import refuse_mounted_secrets, suspicious_files
root = Path(sys.argv[1])
for reader in sys.argv[2:]:
    try:
        eval(reader)
    except Os2Error as error:
        assert error.message and len(error.message) < 2000, reader
    except BaseException as error:
        print(reader, type(error).__name__, str(error)[:200])
"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_reader_waits_or_fails_otherwise(tmp_path: Path, kind: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    calls = []
    for path, call in READERS.values():
        if kind == "8 GB" and ".env" in path and "root / 'a" not in call:
            continue  # Builds and --mount-repo send files of any size, and so read them.
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(place):
            make(kind, place)
        calls.append(call)

    command = [sys.executable, "-c", PROGRAM, str(tmp_path), *calls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_pipe_of_the_shell_is_an_environment_file(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from os2cli.machines.environment import *\n"
        "print(read_env_file(Path(sys.argv[1])))"
    )
    script = f'{sys.executable} -c "$0" <(echo A=1)'
    done = subprocess.run(
        ["bash", "-c", script, program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "{'A': '1'}\n"
