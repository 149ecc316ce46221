"""What builders say about a Dockerfile that is too new for them, as each was seen to say it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.providers.local_docker.images.too_old import too_old

BUILDKIT = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: "
ONLY = {
    "RUN": "RUN only supports the --mount flag",
    "COPY": "COPY only supports the --chmod=<permissions> --chown=<uid:gid> and the"
    " --from=<image|stage> flags",
    "ADD": "ADD only supports the --chmod=<permissions> and the --chown=<uid:gid> flag",
}
FLAGS = {
    "RUN --network": "RUN --network=none true",
    "RUN --security": "RUN --security=insecure true",
    "RUN --device": 'RUN --device="vendor.com/x=y" true',
    "COPY --link": "COPY --chown=1 --link a /b",
    "COPY --exclude": "copy --exclude=*.x a /b",
    "COPY --parents": "COPY \\\n  --parents a /b/",
    "ADD --checksum": "ADD --checksum=sha256:aa http://127.0.0.1/x /b",
    "ADD --keep-git-dir": "ADD --keep-git-dir=true http://127.0.0.1/x.git /b",
    "ADD --unpack": "ADD --unpack=false a /b",
}


def docker(flag: str) -> str:
    return f"dockerfile parse error line 2: Unknown flag: {flag.partition('--')[2]}"


def buildkit(flag: str) -> str:
    return BUILDKIT + docker(flag)


def newer_buildkit(flag: str) -> str:
    name = flag.partition("--")[2]
    return f"failed to solve: dockerfile parse error on line 2: unknown flag: --{name}"


def podman(flag: str) -> str:
    line = FLAGS[flag].replace("\\\n ", "").replace("copy", "COPY")
    return f'building at STEP "{line}": {ONLY[flag.partition(" ")[0]]}\n'


def failure(reason: str, dockerfile: str, *, buildkit: bool = False) -> OperationFailed | None:
    failed = OperationFailed(f"cannot build the image: {reason}", hint="", log_tail=("a line",))
    return too_old(failed, dockerfile, buildkit=buildkit)


def message(reason: str, dockerfile: str) -> str | None:
    found = failure(reason, dockerfile)
    if found is None:
        return None
    return found.message.removeprefix("cannot build the image: this engine's builder is ")


@pytest.mark.parametrize("says", [docker, buildkit, newer_buildkit, podman])
@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag(says: Callable[[str], str], flag: str) -> None:
    assert message(says(flag), f"FROM x\n{FLAGS[flag]}\n") == f"too old for {flag}"


@pytest.mark.parametrize(
    ("reason", "line", "part"),
    [
        (
            "the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/",
            "RUN --mount=type=cache,target=/x true",
            "RUN --mount",
        ),
        (
            f"{BUILDKIT}dockerfile parse error line 3: unexpected key 'env' in 'env=TOKEN'",
            "RUN --mount=type=secret,id=token,env=TOKEN true",
            "env= in RUN --mount",
        ),
        (
            'building at STEP "HEALTHCHECK --start-interval=5s CMD true": flag provided but not'
            " defined: -start-interval",
            "HEALTHCHECK --start-interval=5s CMD true",
            "HEALTHCHECK --start-interval",
        ),
        (
            f"{BUILDKIT}failed to process \"${{A#a}}\": missing ':' in substitution",
            "ENV B=${A#a}",
            "the substitution ${A#a}",
        ),
        (
            "resolving step {Value:env Original:ENV B=${A/b/c} Flags:[] StartLine:3 EndLine:3}:"
            " Missing ':' in substitution: ${A/b/c}",
            "ENV B=${A/b/c}",
            "the substitution ${A/b/c}",
        ),
        (
            'failed to process "${A#a}": unsupported modifier (#) in substitution',
            "ENV B=${A#a}",
            "the substitution ${A#a}",
        ),
    ],
)
def test_other_parts(reason: str, line: str, part: str) -> None:
    assert message(reason, f"FROM x\n{line}\n") == f"too old for {part}"


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("dockerfile parse error line 3: unknown instruction: SET", "RUN <<EOF\nset -e\nEOF"),
        (
            f"{BUILDKIT}dockerfile parse error line 4: unknown instruction: EOF",
            "COPY <<EOF /x\nCOPY a /b\nEOF",
        ),
        (
            'building at STEP "SET -e": Build error: Unknown instruction: "SET"',
            "RUN <<A\nset -e\nA",
        ),
        (
            'building at STEP "COPY <<EOF /x": checking on sources under "/var/tmp/b": copier:'
            ' stat: "/<<EOF": no such file or directory',
            "COPY <<EOF /x\nhello\nEOF",
        ),
    ],
)
def test_here_documents(reason: str, lines: str) -> None:
    assert message(reason, f"FROM x\n{lines}\n") == "too old for here-documents"


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("dockerfile parse error line 2: unknown instruction: RUNN", "RUNN x"),
        ("dockerfile parse error line 5: unknown instruction: RUNN", "RUN <<E\ntrue\nE\nRUNN x"),
        ("dockerfile parse error line 2: Unknown flag: lnk", "COPY --lnk a /b"),
        ("dockerfile parse error line 2: Unknown flag: link", "RUN --link a /b"),
        ("failed to process \"${A.b}\": missing ':' in substitution", "ENV B=${A.b}"),
        (
            'building at STEP "RUN <<EOF": while running runtime: exit status 1',
            "RUN <<EOF\nfalse\nEOF",
        ),
        ('building at STEP "RUN false": while running runtime: exit status 1', "RUN false"),
        (
            'building at STEP "COPY --lnk a /b": ' + ONLY["COPY"],
            "COPY --lnk a /b\nRUN --network=none true",
        ),
        ('process "/bin/sh -c false" did not complete', "RUN <<E\nfalse\nE"),
    ],
)
def test_a_mistake_stays_one(reason: str, lines: str) -> None:
    assert message(reason, f"FROM x\n{lines}\n") is None


def test_the_hint_is_what_helps_there() -> None:
    reason, text = docker("COPY --link"), "FROM x\nCOPY --link a /b\n"
    found = failure(reason, text, buildkit=True)
    assert found is not None
    assert found.hint is not None
    assert found.hint.startswith("begin the Dockerfile with # syntax=docker/dockerfile:1")
    assert (found.code, found.log_tail) == ("builder_too_old", ("a line",))
    for other in (
        failure(reason, text),
        failure(reason, f"# syntax=docker/dockerfile:1.2\n{text}", buildkit=True),
    ):
        assert other is not None
        assert other.hint == "update the engine, or use another: --docker-host"
