"""What `--secret` reads, and that no message shows any of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.core.progress import SILENT, Progress
from os2cli.snapshots.build_secrets import MAX_SECRET_BYTES, read_secrets

VARIABLES = {"NPM_TOKEN": "from the environment", "EMPTY": "", "BYTES": "a\udcff"}


def read(folder: Path, *options: str) -> dict[str, bytes]:
    return read_secrets(options, VARIABLES.get, folder, SILENT)


class Heard(Progress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "npmrc").write_bytes(b"from\0the file\n")
    (tmp_path / "a,b").write_bytes(b"comma")
    (tmp_path / "NPM_TOKEN").write_bytes(b"the variable comes first")
    return tmp_path


@pytest.mark.parametrize(
    ("option", "secrets"),
    [
        ("id=npm,src=npmrc", {"npm": b"from\0the file\n"}),
        ("src=npmrc,id=npm", {"npm": b"from\0the file\n"}),
        ("ID=npm,Source=npmrc", {"npm": b"from\0the file\n"}),
        ("type=file,id=npm,src=npmrc", {"npm": b"from\0the file\n"}),
        ('id=npm,"src=a,b"', {"npm": b"comma"}),
        ("id=npm,env=NPM_TOKEN", {"npm": b"from the environment"}),
        ("type=env,id=npm,src=NPM_TOKEN", {"npm": b"from the environment"}),
        ("id=npm,env=EMPTY", {"npm": b""}),
        ("id=npm,env=BYTES", {"npm": b"a\xff"}),
        ("id=NPM_TOKEN", {"NPM_TOKEN": b"from the environment"}),
        ("id=npmrc", {"npmrc": b"from\0the file\n"}),
    ],
)
def test_a_secret_is_read_as_docker_reads_it(
    folder: Path, option: str, secrets: dict[str, bytes]
) -> None:
    assert read(folder, option) == secrets


def test_a_later_one_wins(folder: Path) -> None:
    assert read(folder, "id=a,src=npmrc", "id=b,src=npmrc", "id=a,env=EMPTY") == {
        "a": b"",
        "b": b"from\0the file\n",
    }


def test_a_path_may_be_absolute(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    assert read(elsewhere, f"id=npm,src={folder / 'npmrc'}") == {"npm": b"from\0the file\n"}


def test_a_pipe_of_the_shell_is_read(folder: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)

    secrets = read(folder, f"id=npm,src=/dev/fd/{reader}")

    os.close(reader)
    assert secrets == {"npm": b"piped"}


def test_a_file_has_buildkits_limit(folder: Path) -> None:
    (folder / "large").write_bytes(b"x" * MAX_SECRET_BYTES)
    assert len(read(folder, "id=large")["large"]) == MAX_SECRET_BYTES

    with (folder / "large").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UsageError, match="cannot read its file: it is larger than") as caught:
        read(folder, "id=large")
    assert caught.value.code == "secret_unreadable"


def test_a_fifo_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "fifo")

    with pytest.raises(UsageError, match="it is not a regular file"):
        read(folder, "id=npm,src=fifo")


MALFORMED = (
    "",
    "hunter2isSecret",
    "id",
    "id=",
    "src=npmrc",
    "id=a,hunter2isSecret",
    "id=a,value=hunter2isSecret",
    "id=a,src=npmrc,env=NPM_TOKEN",
    "type=hunter2isSecret,id=a",
    'id=a,"src=npmrc',
    "a=1\nid=b",
)


@pytest.mark.parametrize("option", MALFORMED)
def test_what_docker_would_not_take_is_rejected(folder: Path, option: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(folder, option)

    assert caught.value.message == "--secret: expected id=NAME[,src=PATH|,env=NAME]"
    assert caught.value.code == "option_invalid"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("id=npm,src=none", "--secret: cannot read its file: No such file or directory"),
        ("id=npm,src=.", "--secret: cannot read its file: Is a directory"),
        ("id=none", "--secret: neither a variable nor a file has its id"),
    ],
)
def test_what_is_not_there_is_an_error(folder: Path, option: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(folder, option)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("variable", "shown"), [("UNSET_TOKEN", " UNSET_TOKEN"), ("hunter2isSecret", "")]
)
def test_a_variable_that_is_not_set_is_an_empty_secret_with_a_warning(
    folder: Path, variable: str, shown: str
) -> None:
    """As for Docker: an optional token is often not set for builds from forks."""
    heard = Heard()

    secrets = read_secrets([f"id=npm,env={variable}"], VARIABLES.get, folder, heard)

    assert secrets == {"npm": b""}
    assert heard.warnings == [f"--secret: variable{shown} is not set here: the secret is empty"]


def test_one_of_several_is_named_by_its_number(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"^--secret \(2 of 3\): neither"):
        read(folder, "id=npmrc", "id=none", "id=npmrc")


WORDS = st.sampled_from(["id", "src", "env", "type", "=", ",", '"', "\n", "canary9", "file"])


@given(st.lists(WORDS, max_size=9).map("".join))
def test_no_message_repeats_a_part(option: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_secrets([option], VARIABLES.get, Path("/nonexistent"), SILENT)

    assert "canary9" not in f"{caught.value.message} {caught.value.hint}"
