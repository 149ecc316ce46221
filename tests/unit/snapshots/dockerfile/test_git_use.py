"""A Dockerfile that takes the ``.git`` is found before a builder reports "not found"."""

from __future__ import annotations

import pytest

from os2cli.snapshots.dockerfile.git_use import git_use
from os2cli.snapshots.dockerfile.reading import read


def use(text: str, target: str | None = None, **arguments: str) -> str | None:
    found = git_use(read(text), arguments, target)
    return f"{found.keyword} {found.value}" if found else None


TAKES = [
    "COPY .git /src/.git",
    "COPY .git .git",
    "COPY .git/ ./",
    "COPY ./.git /x",
    "COPY /.git /x",
    "COPY .git/HEAD .git/refs /x/",
    "COPY a b .git /x/",
    "COPY src/../.git /x",
    "copy --chown=1:1 --link .git /x",
    'COPY [".git", "/x"]',
    'COPY ".git" /x',
    "COPY \\\n  .git \\\n  /x",
    "ADD .git /x",
    "ADD --chmod=755 .git /x",
    "COPY --parents .git/HEAD /x",
    "RUN --mount=type=bind,source=.git,target=.git git describe",
    "RUN --mount=source=.git,target=.git git describe",
    "RUN --mount=type=bind,src=./.git,dst=/x/.git,rw git describe",
    "RUN --mount=type=cache,target=/c --mount=type=bind,source=.git/HEAD,target=/h true",
    'RUN --mount="type=bind,source=.git,target=.git" git describe',
    "ARG D=.git\nCOPY $D /x",
    "ARG D\nCOPY ${D:-.git} /x",
]
LEAVES = [
    "COPY . /x",
    "COPY .gitignore /x",
    "COPY .git* /x",
    "COPY .github /x",
    "COPY src/.git /x",
    "COPY a .git",
    "COPY --from=other .git /x",
    "COPY --from=alpine/git .git /x",
    "RUN --mount=type=bind,target=/src git -C /src describe",
    "RUN --mount=type=bind,from=other,source=.git,target=.git git describe",
    "RUN --mount=type=cache,source=.git,target=.git true",
    "RUN git clone x .git",
    "ADD https://github.com/a/b.git /x",
    "ADD https://example.com/.git /x",
    "# COPY .git /x",
    "COPY <<.git /x\n.git\n.git",
    "LABEL a=.git",
]


@pytest.mark.parametrize("text", TAKES)
def test_what_takes_it_is_found(text: str) -> None:
    assert use(f"FROM scratch\n{text}\n") is not None


@pytest.mark.parametrize("text", LEAVES)
def test_what_leaves_it_is_not(text: str) -> None:
    assert use(f"FROM scratch AS other\nFROM scratch\n{text}\n") is None


@pytest.mark.parametrize(
    ("end", "target", "found"),
    [
        ("FROM scratch\n", None, False),
        ("FROM scratch\n", "taker", True),
        ("FROM scratch\n", "0", True),
        ("FROM taker\n", None, True),
        ("FROM Taker\n", None, True),
        ("FROM scratch\nCOPY --from=taker /x /x\n", None, True),
        ("FROM scratch\nCOPY --from=0 /x /x\n", None, True),
        ("FROM scratch\nRUN --mount=from=taker,target=/x true\n", None, True),
        ("ARG X=taker\nFROM scratch\nCOPY --from=other /x /x\n", None, False),
    ],
)
def test_only_stages_that_are_built_count(end: str, target: str | None, *, found: bool) -> None:
    text = f"FROM scratch AS taker\nCOPY .git /x\n{end}"

    assert (use(text, target) is not None) is found


def test_arguments_of_the_build_count() -> None:
    text = "FROM scratch\nARG D=src\nCOPY $D /x\n"

    assert use(text) is None
    assert use(text, D=".git") == "COPY $D /x"
