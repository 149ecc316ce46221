"""``os2 snapshot daytona``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from os2cli.app.builds import BuildOptions, PublishOptions, publish
from os2cli.app.registry import BuilderKind
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.defaults import BUILD_SECONDS
from os2cli.core.errors import UsageError
from os2cli.core.models import DEFAULT_RESOURCES, SnapshotResources, SnapshotState
from os2cli.core.option_rules import reject_both
from os2cli.output.documents.snapshots import SnapshotDocument
from os2cli.output.humanize import age
from os2cli.snapshots.publishing import Publication


def daytona(
    ctx: typer.Context,
    stage: options.SnapshotStage = None,
    cpu: Annotated[
        int, typer.Option(min=1, metavar="CPUS", rich_help_panel=options.SNAPSHOT)
    ] = DEFAULT_RESOURCES.cpu,
    memory: Annotated[
        int, typer.Option(min=1, metavar="GIB", rich_help_panel=options.SNAPSHOT)
    ] = DEFAULT_RESOURCES.memory_gib,
    disk: Annotated[
        int, typer.Option(min=1, metavar="GIB", rich_help_panel=options.SNAPSHOT)
    ] = DEFAULT_RESOURCES.disk_gib,
    no_wait: Annotated[
        bool,
        typer.Option(
            "--no-wait",
            help="Return before the snapshot is active.",
            rich_help_panel=options.SNAPSHOT,
        ),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="How long to wait for the snapshot to be active. Default: 1800.",
            rich_help_panel=options.SNAPSHOT,
        ),
    ] = None,
    builder: Annotated[
        BuilderKind,
        typer.Option(
            help="Build on Daytona, or on the local engine and push.",
            rich_help_panel=options.BUILD,
        ),
    ] = BuilderKind.REMOTE,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            "-f",
            help="Build even if nothing changed.",
            rich_help_panel=options.BUILD,
        ),
    ] = False,
    repo: options.Repo = None,
    dockerfile: options.Dockerfile = None,
    base_image: options.BaseImage = None,
    build_arg: options.BuildArg = None,
    secret: options.Secret = None,
    ssh: options.Ssh = None,
    target: options.Target = None,
    pull: options.Pull = False,
    base_from_packages: Annotated[
        bool,
        typer.Option(
            "--base-from-packages",
            help="With --builder local: where the registry of the sandbox's own base cannot be "
            "reached, build on packages of this host's distribution.",
            rich_help_panel=options.BUILD,
        ),
    ] = False,
    with_git: options.WithGit = False,
    allow_secrets: options.AllowSecrets = False,
    trust_host: Annotated[
        bool,
        typer.Option(
            "--trust-host",
            help="With --builder local: let the image trust this host's certificate authorities.",
            rich_help_panel=options.BUILD,
        ),
    ] = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Publish a snapshot of the repository on Daytona.

    Sends nothing if nothing changed since the stage's newest snapshot.

    [dim]Examples:[/dim]
      doppler run --config stg -- os2 snapshot daytona
      os2 snapshot daytona --stage stg --builder local --cpu 8 --memory 16
    """
    reject_both("--timeout", timeout is not None, "--no-wait", no_wait)
    reject_engine_options(
        builder,
        secret=bool(secret),
        others={
            "--ssh": bool(ssh),
            "--target": target is not None,
            "--pull": pull,
            "--base-from-packages": base_from_packages,
            "--trust-host": trust_host,
            "--docker-host": docker_host is not None,
        },
    )
    session = Session.start(ctx, docker_host)
    chosen = session.remote_stage(stage)
    given = PublishOptions(
        chosen,
        BuildOptions(
            repo,
            dockerfile,
            base_image=base_image,
            build_args=build_arg,
            secrets=secret,
            ssh=ssh,
            target=target,
            pull=pull,
            base_from_packages=base_from_packages,
            allow_secrets=allow_secrets,
            with_git=with_git,
        ),
        SnapshotResources(cpu, memory, disk),
        builder,
        force=force,
        trust_host=trust_host,
        wait_seconds=None if no_wait else timeout or BUILD_SECONDS,
    )
    progress = session.output.progress()
    publication = publish(session, given, progress)

    name = publication.snapshot.name
    session.output.result(
        SnapshotDocument.of(publication, chosen), lambda: session.output.line(name), names=[name]
    )
    session.output.note(describe(publication, progress.summary()))


def reject_engine_options(
    builder: BuilderKind, *, secret: bool, others: Mapping[str, bool]
) -> None:
    """Reject options of the engine if Daytona builds."""
    if builder is BuilderKind.LOCAL:
        return
    if secret:
        raise UsageError(
            "--secret requires --builder local: Daytona's builder takes no secrets",
            hint="leave it out, or build on this host: --builder local --secret …",
            code="option_invalid",
        )
    for option, given in others.items():
        if given:
            raise UsageError(
                f"{option} requires --builder local",
                hint=f"leave it out, or build on this host: --builder local {option} …",
                code="option_invalid",
            )


def describe(publication: Publication, timings: str) -> str:
    """Return a line about the result."""
    snapshot = publication.snapshot
    key = (snapshot.key or "")[:12]
    if not publication.published and snapshot.state is SnapshotState.ACTIVE:
        return f"unchanged (key {key}, published {age(snapshot.created)}); to rebuild it: --force"
    if snapshot.state is not SnapshotState.ACTIVE:
        return f"{snapshot.name} is {snapshot.state.value} ({timings})"
    return f"published {snapshot.name} in {publication.seconds:.1f} s ({timings})"
