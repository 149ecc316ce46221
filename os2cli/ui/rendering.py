"""Rendering of templates; values are escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from os2cli import __version__
from os2cli.app.selection import is_guarded
from os2cli.core.limits import killed_for_memory
from os2cli.host.web import is_openable
from os2cli.output.humanize import age, size, time_left
from os2cli.output.views.limits import limits_line
from os2cli.ui.addresses import is_shared, machine_path, possible_verbs
from os2cli.ui.extensions import Extension
from os2cli.ui.guard.policy import ContentPolicy, security_headers
from os2cli.ui.jobs.job import Job
from os2cli.ui.jobs.record import shown_line


@dataclass(frozen=True)
class Pages:
    """The templates, and the extensions that add to the head of each page."""

    environment: Environment
    extensions: Sequence[Extension]
    home: str

    @property
    def base(self) -> str:
        """The path below which all pages are."""
        return urlsplit(self.home).path.rstrip("/")

    def show(
        self,
        template: str,
        /,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """Render a page."""
        heads = [extension.head() for extension in self.extensions]
        metas = {name: json.dumps(value) for head in heads for name, value in head.metas.items()}
        scripts = [script for head in heads for script in head.scripts]
        policy = ContentPolicy(f"{self.home}static/")
        for head in heads:
            policy = policy.with_sources(head.sources)
        text = self.fragment(template, metas=metas, scripts=scripts, **values)
        return HTMLResponse(text, status, security_headers(policy))

    def fragment(self, template: str, /, **values: Any) -> str:
        """Render a part of a page."""
        text = self.environment.get_template(template).render(**values)
        # Names of files may have bytes that are not UTF-8, which a page cannot show.
        return text.encode(errors="replace").decode()


def make_pages(extensions: Sequence[Extension], home: str) -> Pages:
    """Create the pages below the URL ``home``, and what templates call."""
    environment = Environment(
        loader=PackageLoader("os2cli.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"version": __version__, "is_shared": is_shared}
    pages = Pages(environment, extensions, home)
    environment.globals["base"] = pages.base
    environment.filters |= {
        "age": age,
        "size": size,
        "time_left": time_left,
        "exact": exact,
        "link": link,
        "limits": limits_line,
        "killed_for_memory": killed_for_memory,
        "plain": shown_line,
        "sentence": sentence,
        "host": lambda url: urlsplit(url).netloc or url,
        "path": lambda machine, below="": pages.base + machine_path(machine, below),
        "guarded": is_guarded,
        "verbs": possible_verbs,
        "doing": doing,
    }
    return pages


def exact(moment: datetime) -> str:
    """Return the exact time, for the tooltip of a relative one."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def link(url: str | None) -> str | None:
    """Return a provider's URL if a browser may open it, else None."""
    return url if url and is_openable(url) else None


def doing(job: Job) -> str:
    """Return what a job does as one word, e.g. ``Stopping``."""
    first = job.title.split(" ", 1)[0]
    return {"Stop": "Stopping"}.get(first, f"{first.removesuffix('e')}ing")


def sentence(text: str) -> str:
    """Return a message as a sentence of its own: capitalised, unless it starts with a name."""
    text = shown_line(text)
    first = text.split(" ", 1)[0].rstrip(",:;")
    return text[:1].upper() + text[1:] if first.isalpha() and len(text) > len(first) else text
