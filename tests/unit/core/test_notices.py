"""Warnings from below the commands."""

from __future__ import annotations

from os2cli.core.notices import Notices


def test_each_warning_is_reported_once_whenever_it_came() -> None:
    notices, heard = Notices(), list[tuple[str, str | None]]()
    notices.warn("early", "do this")
    notices.warn("early", "do that")
    notices.listen(lambda *warning: heard.append(warning))
    notices.warn("late")
    notices.warn("late")

    assert heard == [("early", "do this"), ("late", None)]


def test_who_listens_later_hears_only_what_is_new() -> None:
    notices, heard = Notices(), list[str]()
    notices.listen(lambda text, _: heard.append(f"1 {text}"))
    notices.warn("a")
    notices.listen(lambda text, _: heard.append(f"2 {text}"))
    notices.warn("a")
    notices.warn("b")

    assert heard == ["1 a", "2 b"]
