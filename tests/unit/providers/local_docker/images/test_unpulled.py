"""What builders say of an image that they could not pull, as each was seen to say it."""

from __future__ import annotations

import pytest

from os2cli.core.errors import NotAuthorised, NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.providers.local_docker.images.unpulled import unpulled

NAME = "127.0.0.1:5000/team/app"
HEAD = 'Head "http://127.0.0.1:5000/v2/team/app/manifests/latest"'
WORDS: dict[str, type[Os2Error]] = {
    # Docker 20.10's BuildKit
    "failed to load cache key: pull access denied, repository does not exist or may require"
    " authorization: server message: insufficient_scope: authorization failed": NotAuthorised,
    "failed to create LLB definition: pulling from host 127.0.0.1:5000 failed with status code"
    " [manifests latest]: 401 Unauthorized": NotAuthorised,
    f"failed to create LLB definition: {NAME}:latest: not found": NotFound,
    f"failed to load cache key: failed to do request: {HEAD}: dial tcp 127.0.0.1:5000: connect:"
    " connection refused": Unreachable,
    # newer ones
    f"{NAME}: failed to resolve source metadata for {NAME}:latest: failed to do request: {HEAD}:"
    " dial tcp: lookup registry: network is unreachable": Unreachable,
    f"{NAME}: failed to resolve source metadata for {NAME}:latest: {NAME}:latest: not found": (
        NotFound
    ),
    # the classic builder
    f"invalid from flag value {NAME}: pull access denied for {NAME}, repository does not exist or"
    " may require 'docker login': denied: requested access to the resource is denied": (
        NotAuthorised
    ),
    f"{HEAD}: no basic auth credentials": NotAuthorised,
    f"manifest for {NAME}:latest not found: manifest unknown: manifest unknown": NotFound,
    'Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused': (
        Unreachable
    ),
}


def explained(reason: str, *missing: str) -> Os2Error | None:
    failed = OperationFailed(f"cannot build the image: {reason}", hint="")
    return unpulled(failed, missing, lambda _: None)


@pytest.mark.parametrize("reason", WORDS)
def test_the_image_and_the_reason_are_named(reason: str) -> None:
    found = explained(reason, "elsewhere.example/other:1", NAME)
    assert type(found) is WORDS[reason]
    name = NAME if "127.0.0.1:5000" in reason else "elsewhere.example/other:1"
    assert str(found).startswith(f"cannot pull {name}: the registry ")


@pytest.mark.parametrize("reason", WORDS)
def test_where_all_images_are_there_it_is_something_else(reason: str) -> None:
    assert explained(reason) is None


@pytest.mark.parametrize(
    "reason",
    [
        'failed to compute cache key: "/none": not found',
        "sh: app: not found",
        'process "/bin/sh -c app" did not complete successfully: exit code: 127',
        'Get "http://127.0.0.1:1/v2/release.tar.gz": dial tcp: connect: connection refused',
        "permission denied",
        "dockerfile parse error line 2: unknown instruction: RUNN",
    ],
)
def test_other_failures_stay(reason: str) -> None:
    assert explained(reason, NAME) is None


def test_the_hint_names_no_option_for_another_image() -> None:
    found = explained(f"{HEAD}: dial tcp: lookup registry: no such host", NAME)
    assert isinstance(found, Unreachable)
    assert "--base-image" not in str(found.hint)
