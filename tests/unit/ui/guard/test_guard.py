"""Signing out ends the session everywhere; only the token starts another."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.ui.served import served


def test_signing_out_ends_the_session_in_every_browser() -> None:
    with served() as page:
        with httpx.Client(base_url=page.credentials.home, timeout=30, trust_env=False) as other:
            other.headers["Cookie"] = page.cookie
            assert other.get("/jobs").status_code == 200

            left = page.http.post("/sign-out", headers=page.own)

            assert left.status_code == 200
            assert "signed out" in left.text
            assert "<script" not in left.text
            assert f"{page.credentials.cookie}=" in left.headers["set-cookie"]
            assert dict(page.http.cookies) == {}
            assert page.http.get("/jobs").status_code == 401
            assert other.get("/jobs").status_code == 401

        assert page.http.get(page.credentials.url).status_code == 303
        assert page.http.get("/jobs").status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_other_sites_cannot_sign_out(origin: str | None) -> None:
    with served() as page:
        headers = {"Origin": origin} if origin else {}

        assert page.http.post("/sign-out", headers=headers).status_code == 403
        assert page.http.get("/sign-out").status_code == 404
        assert page.http.get("/jobs").status_code == 200
