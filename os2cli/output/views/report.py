"""What ``doctor --report`` prints: Markdown that is safe to publish."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence

from os2cli import __version__
from os2cli.core.redaction import HIDDEN, redact
from os2cli.doctor.findings import Finding
from os2cli.output import Output
from os2cli.output.views.settings import shown_value
from os2cli.settings.describe import describe_settings
from os2cli.settings.settings import Settings


def show_report(
    output: Output, findings: Sequence[Finding], settings: Settings, owner: str
) -> None:
    """Show version, platform, findings and settings, without the ``owner``, user@host."""
    text = "\n".join((*_facts(), *_findings(findings), *_settings(settings)))
    output.text(redact(text, settings.home, private_words(settings, owner)))
    output.stdout.flush()


def private_words(settings: Settings, owner: str) -> dict[str, str]:
    """Return the names of people, hosts and accounts, each with its placeholder."""
    user, _, host = owner.partition("@")
    access = settings.daytona
    words = {
        user: "[user]",
        settings.home.name: "[user]",
        settings.variables.get("ITERATE_USER", "").strip(): "[user]",
        host: "[host]",
        host.partition(".")[0]: "[host]",
        platform.node(): "[host]",
        access.organization or "": "[organisation]",
        settings.values.get("organization") or "": "[organisation]",
        settings.values.get("project") or "": "[project]",
        settings.values.get("email") or "": "[address]",
        access.api_key or "": HIDDEN,
        access.jwt or "": HIDDEN,
    }
    return {word: placeholder for word, placeholder in words.items() if word}


def _facts() -> Iterator[str]:
    yield "### os2"
    yield ""
    yield f"- os2 {__version__}"
    yield f"- Python {platform.python_version()} ({platform.python_implementation()})"
    yield f"- {platform.platform()}"
    yield ""


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    yield "### Findings"
    yield ""
    for finding in findings:
        yield f"- **{finding.check}** {finding.status.value}: {_one_line(finding.what)}"
        if finding.why:
            yield f"  - {_one_line(finding.why)}"
        if finding.remedy:
            yield f"  - → {_one_line(finding.remedy.text)}"
    yield ""


def _settings(settings: Settings) -> Iterator[str]:
    yield "### Settings"
    yield ""
    yield "| setting | value | from |"
    yield "|---|---|---|"
    for setting in describe_settings(settings):
        cells = (setting.name, shown_value(setting), setting.origin)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split())
