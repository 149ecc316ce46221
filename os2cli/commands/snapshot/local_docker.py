"""``os2 snapshot local-docker``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.builds import BuildOptions, build_image
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.output.documents.snapshots import ImageDocument
from os2cli.output.humanize import age, size
from os2cli.snapshots.building import BuildResult


def local_docker(
    ctx: typer.Context,
    repo: options.Repo = None,
    dockerfile: options.Dockerfile = None,
    tag: options.Tag = None,
    base_image: options.BaseImage = None,
    build_arg: options.BuildArg = None,
    secret: options.Secret = None,
    ssh: options.Ssh = None,
    target: options.Target = None,
    platform: Annotated[
        str | None,
        typer.Option(
            metavar="OS/ARCH",
            help="Platform to build for. Default: the engine's.",
            rich_help_panel=options.BUILD,
        ),
    ] = None,
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            help="Rebuild every step, even if nothing changed.",
            rich_help_panel=options.BUILD,
        ),
    ] = False,
    pull: options.Pull = False,
    with_git: options.WithGit = False,
    allow_secrets: options.AllowSecrets = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Build the local sandbox image from the repository's root.

    Skips the build if nothing changed since the last one: the files, the options,
    and the images on the engine that the Dockerfile names. It does not ask
    registries for newer ones (--pull), nor run steps again that download
    (--no-cache).

    [dim]Examples:[/dim]
      os2 snapshot local-docker
      os2 snapshot local-docker --repo ~/src/app --dockerfile docker/Dockerfile
    """
    # It brings what publishes with it, which other commands start without.
    session = Session.start(ctx, docker_host)
    given = BuildOptions(
        repo,
        dockerfile,
        tag,
        base_image,
        build_arg,
        secret,
        ssh,
        target,
        platform,
        no_cache,
        pull,
        allow_secrets=allow_secrets,
        with_git=with_git,
    )
    result = build_image(session, given, session.output.progress())

    session.output.result(
        ImageDocument.of(result.image, built=result.built, seconds=result.seconds),
        lambda: session.output.line(describe_build(result)),
        names=[result.image.reference],
    )


def describe_build(result: BuildResult) -> str:
    """Return a line about the result of a build."""
    image = result.image
    key = (image.key or "")[:12]
    if not result.built:
        return f"unchanged {image.reference} (key {key}, built {age(image.created)})"
    return (
        f"built {image.reference} in {result.seconds:.1f} s (key {key}, {size(image.size_bytes)})"
    )
