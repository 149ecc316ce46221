"""Consent and the other parameters of analytics."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.analytics.consent import choose, consent
from os2cli.analytics.parameters import Parameters, can_be_sent_to
from os2cli.analytics.tracking import Analytics
from os2cli.core.errors import UsageError
from os2cli.settings.settings import load_settings
from tests.analytics import parameters
from tests.unit.core.user_ids import ADDRESSES, PLACEHOLDERS

NOT_TRACKED = {"DO_NOT_TRACK": "1"}
KEY = {"POSTHOG_KEY": "phc_x"}
ON, OFF = {"OS2_TELEMETRY": "1"}, {"OS2_TELEMETRY": "0"}
CI = {"CI": "true"}


@pytest.mark.parametrize(
    ("environ", "chosen", "on", "rule"),
    [
        ({}, None, False, "no_key"),
        (KEY, None, True, "key"),
        ({"POSTHOG_KEY": "  "}, None, False, "no_key"),
        (KEY | NOT_TRACKED, None, False, "DO_NOT_TRACK"),
        (KEY | {"DO_NOT_TRACK": "true"}, None, False, "DO_NOT_TRACK"),
        (KEY | {"DO_NOT_TRACK": "0"}, None, True, "key"),
        (KEY | {"DO_NOT_TRACK": "false"}, None, True, "key"),
        (KEY | NOT_TRACKED | ON, True, False, "DO_NOT_TRACK"),
        (KEY | OFF, None, False, "OS2_TELEMETRY"),
        (KEY | OFF, True, False, "OS2_TELEMETRY"),
        (KEY | {"OS2_TELEMETRY": "what"}, True, False, "OS2_TELEMETRY"),
        (KEY | ON, None, True, "OS2_TELEMETRY"),
        (KEY | ON, False, True, "OS2_TELEMETRY"),
        (KEY | ON | CI, None, True, "OS2_TELEMETRY"),
        (ON, True, False, "no_key"),
        (KEY, False, False, "choice"),
        (KEY, True, True, "choice"),
        (KEY | CI, None, False, "CI"),
        (KEY | CI, True, True, "choice"),
        (KEY | CI, False, False, "choice"),
        (CI, None, False, "CI"),
        (KEY | {"POSTHOG_HOST": "nonsense"}, True, False, "host"),
    ],
)
def test_the_first_rule_that_applies_decides(
    environ: dict[str, str], chosen: bool | None, on: bool, rule: str, tmp_path: Path
) -> None:
    found = parameters(tmp_path, **environ)
    if chosen is not None:
        choose(found.folder, on=chosen)

    decided = consent(found, key=found.key)

    assert (decided.on, decided.rule) == (on, rule)
    assert decided.reason


@pytest.mark.parametrize("damage", ["", "maybe\n", "on off", "\0"])
def test_an_unreadable_choice_counts_as_a_no(damage: str, tmp_path: Path) -> None:
    found = parameters(tmp_path, **KEY)
    found.folder.mkdir(parents=True)
    (found.folder / "choice").write_text(damage)

    assert not consent(found, key=found.key).on


@pytest.mark.parametrize(
    "host",
    [
        "nonsense",
        "ftp://x.example",
        "https:///",
        "https://u:p@x.example",
        "https://x.example?a=b",
        "https://x.example:port",
        "https://x.example/\nHost: y",
        "file:///etc/passwd",
    ],
)
def test_an_invalid_host_is_reported(host: str, tmp_path: Path) -> None:
    found = parameters(tmp_path, POSTHOG_HOST=host)

    assert not can_be_sent_to(found.host)
    with pytest.raises(UsageError, match="POSTHOG_HOST is not a web address") as caught:
        found.check_host()
    assert (
        host
        not in (host[:8] == "https://" and len(host) < 10) * " "
        + f"{caught.value.message} {caught.value.hint}"
    )


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("", "https://eu.i.posthog.com"),
        ("https://eu.posthog.com/", "https://eu.i.posthog.com"),
        ("https://us.posthog.com", "https://us.i.posthog.com"),
        ("https://posthog.acme.example/", "https://posthog.acme.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_the_host_of_events(given: str, host: str, tmp_path: Path) -> None:
    found = parameters(tmp_path, POSTHOG_HOST=given)

    found.check_host()
    assert found.host == host


@pytest.mark.parametrize(
    ("environ", "environment"),
    [
        ({}, "dev"),
        ({"ITERATE_USER": "jonas"}, "dev-jonas"),
        ({"APP_STAGE": "local-jonas"}, "local-jonas"),
        ({"APP_STAGE": "stg"}, "stg"),
        ({"APP_STAGE": "prd"}, "prd"),
        ({"APP_STAGE": "pr-17"}, "pr-17"),
        ({"APP_STAGE": "prd", "VITE_APP_STAGE": "stg"}, "stg"),
        ({"APP_STAGE": "no stage"}, "unknown"),
        ({"ITERATE_USER": "jonas", "APP_STAGE": "prd"}, "dev-jonas"),
    ],
)
def test_the_environment(environ: dict[str, str], environment: str, tmp_path: Path) -> None:
    assert parameters(tmp_path, **environ).environment == environment


def test_the_groups(tmp_path: Path) -> None:
    organization = {"DAYTONA_ORGANIZATION_ID": "org-1"}

    assert parameters(tmp_path).groups == {}
    assert parameters(tmp_path, **organization).groups == {"organization": "org-1"}
    named = parameters(tmp_path, **organization, OS2_ORGANIZATION="acme", OS2_PROJECT="app")
    assert named.groups == {"organization": "acme", "project": "app"}


@pytest.mark.parametrize("text", [*PLACEHOLDERS, *ADDRESSES[:-1], "\udcff"])
def test_groups_and_environment_name_no_person_and_no_placeholder(
    text: str, tmp_path: Path
) -> None:
    names = {"OS2_ORGANIZATION": text, "OS2_PROJECT": text, "VITE_APP_STAGE": text}
    found = parameters(tmp_path, **names, APP_STAGE="stg", OS2_EMAIL="null")

    assert found.groups == {}
    assert found.environment == "stg"
    assert found.email is None


def test_each_project_has_its_own_target(tmp_path: Path) -> None:
    targets = {
        parameters(tmp_path, POSTHOG_KEY=key, POSTHOG_HOST=host).target
        for key in ("a", "b")
        for host in ("https://x.example", "https://y.example")
    }

    assert len(targets) == 4


@pytest.mark.parametrize("given", ["", "/", "ingest", "/ingest", "/ingest/"])
def test_the_path_of_the_proxy(given: str, tmp_path: Path) -> None:
    assert parameters(tmp_path, VITE_POSTHOG_PROXY_URI=given).proxy_uri == "/ingest"
    assert parameters(tmp_path, VITE_POSTHOG_PROXY_URI="a/b/").proxy_uri == "/a/b"
    elsewhere = "https://ph.example.com/x"
    assert parameters(tmp_path, VITE_POSTHOG_PROXY_URI=elsewhere).proxy_uri == elsewhere


class TestBrowser:
    def analytics(self, home: Path, **environ: str) -> Analytics:
        return Analytics.of(load_settings(None, {"HOME": str(home), **environ}))

    def test_without_a_public_key_there_are_no_settings(self, tmp_path: Path) -> None:
        assert self.analytics(tmp_path, **KEY).browser() is None
        assert not (tmp_path / ".local").exists()

    def test_the_page_has_the_same_user_and_groups(self, tmp_path: Path) -> None:
        public = {"VITE_POSTHOG_PUBLIC_KEY": "phc_public"}
        more = {"OS2_EMAIL": "jo@acme.example", "OS2_PROJECT": "app", "APP_STAGE": "stg"}

        found = self.analytics(tmp_path, **public, **more).browser()

        assert found is not None
        assert found == self.analytics(tmp_path, **public, **more).browser()
        assert (found.public_key, found.proxy_uri) == ("phc_public", "/ingest")
        assert found.host == "https://eu.i.posthog.com"
        assert found.assets_host == "https://eu-assets.i.posthog.com"
        assert (found.email, found.project, found.organization) == ("jo@acme.example", "app", None)
        assert found.environment == "stg"

    def test_a_self_hosted_posthog_serves_the_script(self, tmp_path: Path) -> None:
        own = {"VITE_POSTHOG_PUBLIC_KEY": "k", "POSTHOG_HOST": "https://posthog.acme.example"}

        found = self.analytics(tmp_path, **own).browser()

        assert found is not None
        assert found.assets_host == found.host

    @pytest.mark.parametrize("no", [NOT_TRACKED, OFF, CI, {"POSTHOG_HOST": "nonsense"}])
    def test_without_consent_there_are_no_settings(
        self, no: dict[str, str], tmp_path: Path
    ) -> None:
        public = {"VITE_POSTHOG_PUBLIC_KEY": "phc_public"}

        assert self.analytics(tmp_path, **public, **no).browser() is None
        assert not (tmp_path / ".local").exists()


def test_a_key_is_in_no_representation(tmp_path: Path) -> None:
    found: Parameters = parameters(tmp_path, POSTHOG_KEY="phc_canary")

    assert "canary" not in repr(found)
    assert "canary" not in repr(load_settings(None, {"POSTHOG_KEY": "phc_canary"}))
