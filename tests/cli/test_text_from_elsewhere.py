"""Names, labels and reasons of others' sandboxes reach a terminal, a script and a shell inert."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from os2cli.providers import labels
from tests.command import UNHURRIED, Os2
from tests.daytona_server import DaytonaServer, Fault

ESCAPES = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]52;c;aGk=\x1b\\", "\x9b31m", "\x9d0;t\x9c",
    "a\rb", "a\nerror: forged", "\u202egnp.exe", "\u2066x\u2069", "a\x00b", "\x1bc", "\x85",
)  # fmt: skip
COMMANDS = (
    "$(touch PWNED)", "`touch PWNED`", "x;touch PWNED", "'$(touch PWNED)'", '"$(touch PWNED)"',
    "a\ntouch PWNED", "x'))'; touch PWNED; '((", '")); touch PWNED; ((', "<(touch PWNED)",
    "$'\\x24(touch PWNED)'", "\\$(touch PWNED)", "(touch PWNED)", "x|touch PWNED", "x&touch PWNED",
)  # fmt: skip
OPTIONS = ("--all", "-q", "--force", "-", "--", "*", "~", "?", "[a-z]*", "a b", "a/../b", "..")
NAMES = (*ESCAPES, *COMMANDS, *OPTIONS, "é", "x" * 64)
CONTROLS = ("Cc", "Zl", "Zp")


def obeyed(text: str) -> list[str]:
    """Return what a terminal would obey, or what would change the order of a text."""
    return [
        char
        for char in text
        if char != "\n"
        and (
            unicodedata.category(char) in CONTROLS
            or unicodedata.bidirectional(char)[:2] in ("LR", "RL", "PD", "FS")
        )
    ]


def add(daytona: DaytonaServer, number: int, name: str, more: Mapping[str, str] = {}) -> None:
    marks = {labels.MACHINE: "1", labels.NAME: name, labels.STAGE: "stg", **more}
    daytona.add_sandbox(f"stg--s{number}", labels=marks)


@pytest.fixture
def hostile(cloud: Os2, daytona: DaytonaServer) -> Os2:
    """The CLI beside one machine and many sandboxes that a colleague named."""
    for number, name in enumerate(NAMES):
        add(daytona, number, name)
    daytona.add_sandbox(
        "stg--one", labels={labels.MACHINE: "1", labels.NAME: "one", labels.STAGE: "stg"}
    )
    (cloud.folder / "bin").mkdir()
    program = cloud.folder / "bin/os2"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -c \'{UNHURRIED}\' "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{cloud.env['PATH']}"
    return replace(cloud, env={**cloud.env, "PATH": path})


class TestNames:
    def test_scripts_get_valid_names_alone(self, hostile: Os2) -> None:
        quiet = hostile("machine", "list", "--type", "daytona", "-q")
        assert quiet.stdout == "one\n"
        document = hostile("machine", "list", "--type", "daytona", "--json")
        assert [each["name"] for each in json.loads(document.stdout)] == ["one"]

    def test_the_others_are_named_by_their_id_in_a_line_each(
        self, hostile: Os2, daytona: DaytonaServer
    ) -> None:
        result = hostile("machine", "list", "--type", "daytona")
        lines = result.stderr.splitlines()
        for sandbox in daytona.sandboxes_by_id.values():
            shown = [line for line in lines if sandbox.id in line]
            assert len(shown) == (sandbox.name != "stg--one"), sandbox.labels
        assert obeyed(result.stdout + result.stderr) == []

    @pytest.mark.parametrize("verb", ["show", "rm", "stop"])
    def test_no_verb_takes_a_machine_that_its_label_calls_another(
        self, hostile: Os2, daytona: DaytonaServer, verb: str
    ) -> None:
        more = ["--yes"] if verb in ("rm", "stop") else []
        result = hostile("machine", verb, "s0", "--type", "daytona", *more)
        assert result.status == 3, result.stderr
        assert all(sandbox.state == "started" for sandbox in daytona.sandboxes_by_id.values())


class TestLabels:
    @pytest.fixture
    def labelled(self, cloud: Os2, daytona: DaytonaServer) -> Os2:
        """The CLI beside valid machines, each with an escape in every label."""
        for number, text in enumerate(ESCAPES):
            own = {labels.USERS_OWN: json.dumps(["team"]), "team": text}
            name = f"s{number}"
            add(daytona, number, name, {labels.OWNER: text, labels.SNAPSHOT: text, **own})
        return cloud

    def test_json_is_exact_and_inert(self, labelled: Os2) -> None:
        result = labelled("machine", "list", "--type", "daytona", "--json")
        machines = {machine["name"]: machine for machine in json.loads(result.stdout)}
        for number, text in enumerate(ESCAPES):
            machine = machines[f"s{number}"]
            assert (machine["owner"], machine["labels"]) == (text, {"team": text})
        assert obeyed(result.stdout + result.stderr) == []

    @pytest.mark.parametrize("command", [
        ("list", "--columns", "name,owner,labels,snapshot"), ("list", "-q"), ("list", "--watch"),
        ("list", "--progress", "json"), *(("show", f"s{number}") for number in range(0, 12, 4)),
    ], ids=" ".join)  # fmt: skip
    def test_nothing_that_a_terminal_obeys_is_printed(
        self, labelled: Os2, command: tuple[str, ...]
    ) -> None:
        if "--watch" in command:
            process = labelled.start("machine", *command, "--type", "daytona")
            assert process.stdout is not None
            stdout = "".join(process.stdout.readline() for _ in ESCAPES)
            process.terminate()
            stdout += "".join(process.communicate())
        else:
            result = labelled("machine", *command, "--type", "daytona")
            assert result.status == 0, result.stderr
            stdout = result.stdout + result.stderr
        assert stdout
        assert obeyed(stdout) == []
        assert not any(line.startswith("error:") for line in stdout.splitlines())


COMPLETIONS = {
    "bash": """
        source <(os2 completion bash)
        COMP_WORDS=(os2 machine show ""); COMP_CWORD=3; COMP_LINE="os2 machine show "
        _os2_completion os2
        printf '%s\\n' "${COMPREPLY[@]}"
        for word in "${COMPREPLY[@]}"; do eval "true $word"; done
    """,
    # What `_arguments` gets is what zsh evaluated.
    "zsh": """
        compdef() { }
        _arguments() { print -r -- "$@"; }
        _files() { }
        source <(os2 completion zsh)
        words=(os2 machine show ""); CURRENT=4
        _os2_completion
    """,
    "fish": """
        os2 completion fish | source
        complete -C "os2 machine show "
        for word in (complete -C "os2 machine show "); eval "true $word"; end
    """,
}


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completion_in_a_shell_runs_nothing_and_offers_the_valid(hostile: Os2, shell: str) -> None:
    program = shutil.which(shell)
    assert program, f"{shell} is not on the PATH: install it"
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    offered = {"zsh": '*: :(("one"))\n'}.get(shell, "one\n")

    result = hostile.run([program, *options, "-c", COMPLETIONS[shell]])

    assert not (hostile.folder / "PWNED").exists()
    assert (result.stdout, result.stderr) == (offered, "")


@pytest.fixture(autouse=True)
def _nothing_ran(cloud: Os2) -> Iterator[None]:
    yield
    assert not list(Path(cloud.folder).rglob("PWNED"))


class TestLists:
    @pytest.mark.parametrize("label", [" " * 40_000 + "\x01", "://a:" * 8_000, "\x1b]" * 20_000])
    def test_a_label_of_any_length_takes_no_time(
        self, cloud: Os2, daytona: DaytonaServer, label: str
    ) -> None:
        add(daytona, 1, label, {labels.OWNER: label, labels.ISOLATION: label})
        every = dict.fromkeys((labels.OWNER, labels.SNAPSHOT, labels.VERSION), label)
        add(daytona, 2, "two", every)
        before = getrusage(RUSAGE_CHILDREN).ru_utime
        assert "two" in cloud("machine", "list", "--type", "daytona").stdout
        assert getrusage(RUSAGE_CHILDREN).ru_utime - before < 6

    def test_one_without_an_end_is_an_error(self, cloud: Os2, daytona: DaytonaServer) -> None:
        page = {"items": [], "nextCursor": "on"}
        daytona.fail_next("GET", "/sandbox", Fault(status=200, body=page), times=1000)
        result = cloud("machine", "list", "--type", "daytona")
        assert result.status == 1
        assert "the list has more than 500 pages" in result.stderr
