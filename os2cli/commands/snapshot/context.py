"""``os2 snapshot context``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from os2cli.app.builds import locate_source
from os2cli.app.completions import complete_type
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import UsageError
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.output import Output
from os2cli.output.documents.inventory import ContextDocument
from os2cli.output.humanize import size
from os2cli.providers.entry import Material, entries
from os2cli.snapshots.context import BuildContext, collect, suspicious_files, without_links
from os2cli.snapshots.context.entries import displayed

LARGEST = 20


def context(
    ctx: typer.Context,
    type_: Annotated[
        MachineType,
        typer.Option(
            "--type",
            parser=options.parse_type,
            metavar="TYPE",
            autocompletion=complete_type,
            help="Whose builder it is for; Daytona's gets copies instead of links.",
        ),
    ] = LOCAL_DOCKER,
    all_: Annotated[
        bool,
        typer.Option(
            "--all",
            "-a",
            help=f"List all files, not just the {LARGEST} largest; --json and --quiet do.",
        ),
    ] = False,
    repo: options.Repo = None,
    dockerfile: options.Dockerfile = None,
) -> None:
    """Show the build context: its largest files, and those that look like secrets.

    Nothing is sent.

    [dim]Examples:[/dim]
      os2 snapshot context
      os2 snapshot context --type daytona --all
    """
    material = entries()[type_].material
    if material is Material.THIS_HOST:
        raise UsageError(
            f"--type {type_}: nothing is built for these machines",
            hint="choose another --type",
            code="option_invalid",
        )
    session = Session.start(ctx)
    source = locate_source(session, repo, dockerfile)
    build_context = collect(source.root, source.dockerfile)
    if material is Material.PUBLISHED_SNAPSHOT:
        build_context = without_links(build_context)
    suspicious = suspicious_files(build_context)
    files = [(displayed(e.path), e.size) for e in build_context.entries if e.kind == "file"]
    files.sort(key=lambda file: file[1], reverse=True)
    shown = files if all_ else files[:LARGEST]

    reasons = {displayed(file.path): file.reason for file in suspicious}
    session.output.result(
        ContextDocument.of(build_context, type_, files, suspicious),
        lambda: _show(session.output, build_context, shown, reasons),
        names=[path for path, _ in files],
    )


def _show(
    output: Output,
    build_context: BuildContext,
    shown: list[tuple[str, int]],
    reasons: Mapping[str, str],
) -> None:
    output.table(
        ("SIZE", "FILE"),
        [
            (size(count), f"{path}  ! {reasons[path]}" if path in reasons else path)
            for path, count in shown
        ],
    )
    output.note(f"{build_context.root}: {build_context.dockerfile}")
    kinds = [entry.kind.value for entry in build_context.entries]
    files, links = kinds.count("file"), kinds.count("link")
    if files > len(shown):
        output.note(f"the {len(shown)} largest of {files} files; to list all: --all")
    output.note(
        f"{_count(files, 'file')}, {_count(links, 'link')}, {size(build_context.size_bytes)}"
    )
    if build_context.ignored:
        output.note(f"ignored by the ignore file: {build_context.ignored}")
    for note in build_context.unkept:
        output.note(note)
    if reasons:
        output.warn(
            f"these look like secrets: {', '.join(reasons)}",
            "exclude them in .dockerignore, or build with --allow-secrets",
        )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
