"""An idle sandbox stops; a request that only looks at it says so, and does not count as use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.daytona_server import DaytonaServer
from tests.polling import until
from tests.unit.servers.daytona.calls import NO_CERTIFICATES, state

ONE = "/sandbox/one"
LOOKING = {"X-Daytona-Skip-Last-Activity-Update": "true"}
Use = Callable[[dict[str, str]], object]


@pytest.fixture
def preview(api: httpx.Client) -> Iterator[Use]:
    """Return a request to a port of the sandbox."""
    link = api.get(f"{ONE}/ports/3000/preview-url").json()
    with httpx.Client(trust_env=False, verify=NO_CERTIFICATES) as browser:
        token = {"x-daytona-preview-token": link["token"]}
        yield lambda headers: browser.get(f"{link['url']}/api/health", headers=token | headers)


@pytest.fixture
def toolbox(server: DaytonaServer, api: httpx.Client) -> Use:
    """Return a request to the sandbox's toolbox."""
    sandbox = api.get(ONE).json()
    url = f"{sandbox['toolboxProxyUrl']}/{sandbox['id']}/process/session/entrypoint/logs"
    return lambda headers: api.get(url, headers=headers)


@pytest.fixture(params=["preview", "toolbox"])
def use(request: pytest.FixtureRequest) -> Use:
    """Return a request through the proxy."""
    found: Use = request.getfixturevalue(request.param)
    return found


def test_use_keeps_it_awake(server: DaytonaServer, api: httpx.Client, use: Use) -> None:
    for _ in range(4):
        server.advance(minutes=10)
        use({})

    assert state(api, ONE) == "started"
    server.advance(minutes=16)
    # Without any request.
    until(lambda: server.sandbox("one").state == "stopped")


def test_looking_does_not(server: DaytonaServer, use: Use) -> None:
    server.advance(minutes=10)
    use(LOOKING)
    server.advance(minutes=6)

    until(lambda: server.sandbox("one").state == "stopped")


def test_requests_to_the_api_do_not(server: DaytonaServer, api: httpx.Client) -> None:
    for _ in range(16):
        server.advance(minutes=1)
        assert api.get(ONE).status_code == 200

    until(lambda: server.sandbox("one").state == "stopped")


def test_off_is_off(server: DaytonaServer, api: httpx.Client) -> None:
    api.post(f"{ONE}/autostop/0")
    server.advance(days=30)

    assert state(api, ONE) == "started"


def test_one_that_deletes_itself_is_gone(server: DaytonaServer, api: httpx.Client) -> None:
    api.post(f"{ONE}/autodelete/0")
    server.advance(minutes=16)

    until(lambda: state(api, ONE) == "404")
