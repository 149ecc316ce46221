"""No key, token or value of a variable appears in any output, log, file or error."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.lives import going_on, machine
from tests.command import Os2, Result
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until
from tests.processes import command_lines, tree

VALUE = "canary-value-of-a-variable-4711"
FILE_VALUE = "canary-value-from-a-file-4712"
DOPPLER = "dp.st.stg.canary-doppler-token-4713"

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("stage",),
    ("config",),
    ("doctor",),
    ("snapshot", "daytona", "-v"),
    ("snapshot", "daytona"),
    ("snapshot", "resolve"),
    ("snapshot", "resolve", "--explain"),
    ("cache", "show"),
    ("machine", "create", "a", "--type", "daytona", "-e", "CANARY", "--env-file", "machine.env"),
    ("machine", "create", "a", "--type", "daytona", "-e", "CANARY"),
    ("machine", "create", "b", "--type", "daytona", "-e", f"INLINE={VALUE}", "--public"),
    ("machine", "list"),
    ("machine", "show", "a", "--type", "daytona"),
    ("machine", "exec", "a", "--type", "daytona", "-e", "CANARY", "--", "true"),
    ("machine", "exec", "a", "--type", "daytona", "-e", f"INLINE={VALUE}", "-w", "/", "--", "true"),
    ("machine", "exec", "none", "--type", "daytona", "-e", "CANARY", "--", "true"),
    ("machine", "logs", "a", "--type", "daytona"),
    ("machine", "logs", "a", "--type", "daytona", "--service", "web"),
    ("machine", "url", "a", "--type", "daytona"),
    ("machine", "cp", "machine.env", "a:x", "--type", "daytona"),
    ("machine", "wait", "a", "--type", "daytona", "--debug"),
    ("machine", "stop", "a", "--type", "daytona", "--yes"),
    ("machine", "open", "a", "--type", "daytona"),
    ("machine", "start", "a", "--type", "daytona", "--yes"),
    ("machine", "prune", "--type", "daytona", "--yes"),
    ("machine", "rm", "a", "--type", "daytona", "--yes"),
    ("machine", "rm", "none", "--type", "daytona", "--yes"),
    ("cache", "clear"),
    ("snapshot", "resolve", "--debug", "--no-cache"),
)


@pytest.fixture
def canary(cloud: Os2, tmp_path: Path) -> Os2:
    """The CLI in a checkout, with secrets of every kind around it."""
    subprocess.run(["git", "init", "--quiet", str(cloud.folder)], check=True)
    (cloud.folder / "sandbox").mkdir()
    (cloud.folder / "sandbox/Dockerfile").write_text('FROM x\nENTRYPOINT ["true"]\n')
    (cloud.folder / "machine.env").write_text(f"FROM_FILE={FILE_VALUE}\n")
    return Os2(cloud.folder, {**cloud.env, "CANARY": VALUE, "DOPPLER_TOKEN": DOPPLER})


def secrets_of(server: DaytonaServer, key: str) -> Iterator[str]:
    """Return every secret: ours, and those that the API issued."""
    yield from (VALUE, FILE_VALUE, DOPPLER, key)
    if server.storage is not None:
        yield from (server.storage.secret, server.storage.session_token)
    for record in server.sandboxes:
        yield record.token
        yield from record.ssh_tokens
        yield from (token for _, token in record.signed_tokens)


def texts(results: list[Result], home: Path) -> Iterator[tuple[str, str]]:
    """Yield every file that os2 has written, with its path."""
    for number, result in enumerate(results):
        yield f"output {number}", result.stdout + result.stderr
    for path in home.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes().decode("latin-1")


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_no_secret_is_seen_in_a_day_s_work(
    canary: Os2, daytona: DaytonaServer, form: tuple[str, ...], tmp_path: Path
) -> None:
    results = [canary(*command, *form) for command in COMMANDS]

    assert [r for r in results if r.status not in {0, 1, 3, 5, 7}] == []
    assert any(VALUE in request.body.decode("latin-1") for request in daytona.requests)
    seen = list(texts(results, tmp_path / "home"))
    for secret in secrets_of(daytona, daytona.api_key):
        assert [where for where, text in seen if secret in text] == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_a_secret_in_an_error_is_hidden(canary: Os2, daytona: DaytonaServer, status: int) -> None:
    daytona.add_snapshot("stg--20260111-193045")
    echo = {"message": f"{daytona.api_key} may not set CANARY to {VALUE}"}
    daytona.fail_next("POST", "/sandbox", Fault(status=status, body=echo), times=9)

    result = canary(
        "machine", "create", "a", "--type", "daytona", "-e", "CANARY", "--json", "--debug"
    )

    assert result.status != 0
    for secret in (daytona.api_key, VALUE):
        assert secret not in result.stdout + result.stderr


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 500, 502])
def test_a_secret_in_a_program_s_error_is_hidden(
    canary: Os2, daytona: DaytonaServer, status: int
) -> None:
    machine(daytona, "a")
    echo = {"message": f"{daytona.api_key} may not run: ( exec env CANARY={VALUE} true )"}
    daytona.fail_next("POST", "/toolbox/.*/exec", Fault(status=status, body=echo), times=9)

    result = canary(
        "machine", "exec", "a", "--type", "daytona", "-e", "CANARY", "--json", "--debug", "--", "x"
    )

    # A failure that passes is waited for.
    assert result.status in (1, 3, 4, 8, 127)
    for secret in (daytona.api_key, VALUE):
        assert secret not in result.stdout + result.stderr


def test_a_variable_of_a_program_is_in_no_argument_here(
    canary: Os2, daytona: DaytonaServer
) -> None:
    sandbox = machine(daytona, "a")
    home = daytona.home(sandbox.id)
    waiting = "touch here; until test -e go; do sleep 0.02; done"
    with going_on(canary, "machine", "exec", "a", "-e", "CANARY", "--", "sh", "-c", waiting) as it:
        until((home / "here").exists)
        seen = [str(words) for words in command_lines(tree(it.pid))]
        (home / "go").touch()
        assert it.wait(20) == 0

    assert any("'exec'" in line for line in seen)
    for secret in (daytona.api_key, VALUE, DOPPLER):
        assert not [line for line in seen if secret in line]


def test_an_invalid_key_is_not_shown(cloud: Os2) -> None:
    result = cloud("snapshot", "resolve", env={"DAYTONA_API_KEY": "dtn_canary\n4714"})

    assert result.status == 2
    assert "canary" not in result.stdout + result.stderr


def test_the_environment_is_not_passed_on(canary: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot("stg--20260111-193045")
    canary("machine", "create", "a", "--type", "daytona")

    (request,) = daytona.seen("POST", "/sandbox")
    assert set(json.loads(request.body)["env"]) == {"OS2_MACHINE_NAME", "OS2_SNAPSHOT"}
    assert VALUE not in request.body.decode()
