"""Which build arguments logs hide: by name or by form, in each way that logs write them."""

from __future__ import annotations

import pytest

from os2cli.core.redaction import masking
from os2cli.snapshots.context import hidden_values

WORDS = ("TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "PASS", "PWD", "PASSPHRASE", "AUTH")
MORE = ("CREDENTIALS", "DSN")
NAMES = [form.format(word) for word in (*WORDS, *MORE) for form in ("{}", "MY_{}", "{}_1", "NPM{}")]
NAMES += [name.lower() for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["sesame", "/abc+def/xyz==", "horse 'n' \"cart\"", "a=b c=dddd"])
def test_an_argument_with_the_name_of_a_secret_is_hidden(name: str, value: str) -> None:
    mask = masking(hidden_values({name: value}))
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    for line in (f"ENV X={value}", f'ENV X="{quoted}"', value, f"x{value}y"):
        assert value not in mask(line)
        assert quoted not in mask(line)


def test_the_password_of_an_address_is_also_hidden_alone() -> None:
    mask = masking(hidden_values({"DATABASE_URL": "postgres://me:" + "sesame@db/x"}))
    assert "sesame" not in mask("connecting with sesame")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NODE_VERSION", "24.11.0"),
        ("AUTHOR", "somebody"),
        ("PASSENGER_VERSION", "6.0.20"),
        ("TOKEN", "abc"),
        ("BASE_URL", "https://example.com/path"),
    ],
)
def test_what_says_nothing_stays(name: str, value: str) -> None:
    assert hidden_values({name: value}) == []
