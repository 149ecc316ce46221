"""Words of a command line that may be secrets."""

from __future__ import annotations

import pytest

from os2cli.core.redaction import is_like_a_variable, mask_tokens


@pytest.mark.parametrize(
    "text", ["PATH", "GITHUB_TOKEN", "A", "X_1", "AWS_S3_BUCKET", "NODE_ENV", "A-B", "V2"]
)
def test_names_of_variables(text: str) -> None:
    assert is_like_a_variable(text)


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", "gh" + "p_abc", "AKIA" + "2E0A8F3B9C7D1E5F", "A" * 60, "1A", "A B"],
)
def test_what_may_be_a_secret(text: str) -> None:
    assert not is_like_a_variable(text)


def test_only_words_like_tokens_are_masked() -> None:
    text = "unknown machine review-of-the-pull-request-1234, a_long_name_without_digits: x"
    assert mask_tokens(text) == text
    token = "gh" + "p_" + "aB3dE5fG7hJ9" * 3
    assert mask_tokens(f"unknown command '{token}'; see {token}.") == (
        "unknown command '•••'; see •••."
    )
