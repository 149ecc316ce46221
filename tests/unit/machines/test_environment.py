"""Variables for machines: passed on unchanged, or rejected without showing their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from os2cli.core.errors import UsageError
from os2cli.machines.environment import machine_environment, read_env_file

if TYPE_CHECKING:
    from pathlib import Path

HERE = {"TOKEN": "from here", "EMPTY": ""}
SECRET = "hunter2-is-secret"


def gather(*assignments: str, files: tuple[Path, ...] = ()) -> dict[str, str]:
    return machine_environment(assignments, files, HERE.get)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / "machine.env"


class TestOptions:
    @pytest.mark.parametrize(
        ("text", "key", "value"),
        [
            ("A=1", "A", "1"),
            ("_a9=", "_a9", ""),
            ("A=b=c", "A", "b=c"),
            ("A= b ", "A", " b "),
            ('A="quoted"', "A", '"quoted"'),
            ("A=$HOME", "A", "$HOME"),
            ("A=-----BEGIN\nkey\r\n-----END\t\x1b", "A", "-----BEGIN\nkey\r\n-----END\t\x1b"),
            ("A=grüße\u2028\x85", "A", "grüße\u2028\x85"),
        ],
        ids=[
            "plain",
            "empty",
            "equals sign",
            "spaces",
            "quotes",
            "dollar",
            "lines and controls",
            "not ASCII",
        ],
    )
    def test_a_value_is_passed_on_unchanged(self, text: str, key: str, value: str) -> None:
        assert gather(text) == {key: value}

    def test_a_name_alone_takes_the_value_from_here(self) -> None:
        assert gather("TOKEN", "EMPTY") == {"TOKEN": "from here", "EMPTY": ""}

    def test_a_name_alone_that_is_not_set_here_is_refused(self) -> None:
        with pytest.raises(UsageError) as caught:
            gather("NONE")

        assert caught.value.code == "env_not_set"
        assert caught.value.message == "-e NONE: variable not set"
        assert caught.value.hint == "set it, or give its value: -e NONE=value"

    def test_the_last_of_several_counts(self) -> None:
        assert gather("A=1", "A=2", "TOKEN=x", "TOKEN") == {"A": "2", "TOKEN": "from here"}

    @pytest.mark.parametrize("text", ["1A=x", "A B=x", "A-B=x", "=x", "Ä=x", "A.B=x", " A=x"])
    def test_a_name_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="invalid variable name") as caught:
            gather(text)

        assert caught.value.code == "env_name_invalid"
        assert caught.value.exit_code == 2

    def test_an_invalid_name_is_shown_without_its_value(self) -> None:
        with pytest.raises(UsageError, match=r"-e: invalid variable name 'A-B'"):
            gather(f"A-B={SECRET}")

    @pytest.mark.parametrize(
        ("value", "problem"), [("a\0b", "NUL"), ("a\udcff", "not UTF-8")], ids=["NUL", "bytes"]
    )
    def test_a_value_that_no_machine_could_get_unchanged_is_refused(
        self, value: str, problem: str
    ) -> None:
        with pytest.raises(UsageError, match=f"the value of A .*{problem}") as caught:
            gather(f"A={value}")

        assert caught.value.code == "env_value_invalid"

    def test_an_invalid_value_from_the_host_is_rejected(self) -> None:
        with pytest.raises(UsageError, match="not UTF-8"):
            machine_environment(["A"], [], {"A": "\udcff"}.get)


class TestFiles:
    def test_lines_are_read_as_they_are(self, env_file: Path) -> None:
        env_file.write_text('A=1\n\n# B=2\n  # C=3\n  D=" x # y"\nE=\nF=a=b\n   \nG= z ')

        found = read_env_file(env_file)

        assert found == {"A": "1", "D": '" x # y"', "E": "", "F": "a=b", "G": " z "}

    def test_the_last_of_several_lines_counts(self, env_file: Path) -> None:
        env_file.write_text("A=1\nA=2\n")

        assert read_env_file(env_file) == {"A": "2"}

    @pytest.mark.parametrize(
        "value", ["a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", "a\u2028b", "a\rb"], ids=ascii
    )
    def test_only_a_newline_ends_a_line(self, value: str, env_file: Path) -> None:
        env_file.write_bytes(f"A={value}\nB=2\n".encode())

        assert read_env_file(env_file) == {"A": value, "B": "2"}

    def test_a_file_from_windows_is_read(self, env_file: Path) -> None:
        env_file.write_bytes("\ufeffA=1\r\nB=2\r\n".encode())

        assert read_env_file(env_file) == {"A": "1", "B": "2"}

    def test_an_empty_file_gives_nothing(self, env_file: Path) -> None:
        env_file.write_text("")

        assert read_env_file(env_file) == {}

    @pytest.mark.parametrize("line", [SECRET, "TOKEN", "export"])
    def test_a_line_without_a_value_is_refused_with_its_number_only(
        self, line: str, env_file: Path
    ) -> None:
        env_file.write_text(f"A=1\n\n{line}\n")

        with pytest.raises(UsageError) as caught:
            read_env_file(env_file)

        assert caught.value.code == "env_file"
        assert caught.value.message == f"{env_file}, line 3: expected NAME=value"

    def test_a_name_that_is_none_is_refused_with_its_line(self, env_file: Path) -> None:
        env_file.write_text(f"A=1\nexport B={SECRET}\n")

        with pytest.raises(UsageError) as caught:
            read_env_file(env_file)

        assert f"{env_file}, line 2: " in caught.value.message

    def test_a_missing_file_is_refused(self, env_file: Path) -> None:
        with pytest.raises(UsageError) as caught:
            read_env_file(env_file)

        assert caught.value.message == (
            f"--env-file: cannot read {env_file}: No such file or directory"
        )

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="Is a directory"):
            read_env_file(tmp_path)

    def test_what_is_not_utf8_is_refused(self, env_file: Path) -> None:
        env_file.write_bytes(b"A=\xff\n")

        with pytest.raises(UsageError, match="it is not UTF-8 text") as caught:
            read_env_file(env_file)

        assert caught.value.code == "env_file"


class TestOrder:
    def test_a_later_file_wins_and_the_command_line_over_both(self, tmp_path: Path) -> None:
        first, second = tmp_path / "1", tmp_path / "2"
        first.write_text("A=1\nB=1\nC=1\n")
        second.write_text("B=2\nC=2\n")

        found = gather("C=3", files=(first, second))

        assert found == {"A": "1", "B": "2", "C": "3"}

    def test_nothing_asked_for_is_nothing(self) -> None:
        assert gather() == {}


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            SECRET,
            f"A B={SECRET}",
            f"A=\0{SECRET}",
            f"A={SECRET}\udcff",
            "sk-" + "proj-0123456789abcdefghijklmnopqrstuvwxyz=",
            "-----BEGIN KEY-----\nhunter2-is-secret\n-----END KEY-----=",
            "KEY\nhunter2\n=",
        ],
        ids=[
            "pasted alone",
            "bad name",
            "NUL",
            "not UTF-8",
            "long with padding",
            "key file",
            "lines",
        ],
    )
    def test_no_message_shows_a_value(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            gather(text)

        shown = f"{caught.value.message} {caught.value.hint} {caught.value.details}"
        assert "hunter2" not in shown
        assert "sk-proj" not in shown

    @pytest.mark.parametrize("line", [SECRET, f"A B={SECRET}", f"A=\0{SECRET}"])
    def test_no_message_about_a_file_shows_one_either(self, line: str, env_file: Path) -> None:
        env_file.write_text(line)

        with pytest.raises(UsageError) as caught:
            read_env_file(env_file)

        assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
