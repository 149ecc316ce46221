"""The options of ``machine create``, each declared here and nowhere else.

The command line, its completion, the web UI's form and the command it shows, what is rejected and
what an event says follow. To add an option, declare it here and use it in ``machine_creation``.
"""

# Annotations are evaluated here: they hold the declarations.
from dataclasses import dataclass
from functools import partial
from operator import not_
from pathlib import Path
from typing import Annotated

from os2cli.app.completions import complete_isolation, complete_stage, complete_type
from os2cli.app.options import Input, Option, Tracked
from os2cli.core.limits import Isolation
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.core.parsing import parse_isolation
from os2cli.providers.entry import Material, entries, parse_type

ENGINES = frozenset({Material.LOCAL_IMAGE})
THIS_HOST = frozenset({Material.LOCAL_IMAGE, Material.THIS_HOST})
PUBLISHED = frozenset({Material.PUBLISHED_SNAPSHOT})
SIZED = {
    Material.PUBLISHED_SNAPSHOT: "set resources when publishing: "
    "os2 snapshot daytona --cpu … --memory …"
}

# One for each panel of the help.
_machine = partial(Option, panel="Machine")
_on_this_host = partial(Option, panel="On this host", materials=THIS_HOST)
_on_engines = partial(Option, panel="On this host", materials=ENGINES)
_daytona = partial(Option, panel="Daytona", materials=PUBLISHED)
# One for each group of the form.
_resource = partial(Input, group="resources")
_more = partial(Input, group="more")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOptions:
    """The options of a command line, or of a filled-in form."""

    name: Annotated[
        str | None, Option("Default: a generated name.", "[NAME]", positional=True, input=Input())
    ] = None
    type_: Annotated[
        MachineType,
        _machine(
            f"Where the machine runs: {', '.join(entries())}.",
            "TYPE",
            parser=parse_type,
            completion=complete_type,
            input=Input(),
        ),
    ] = LOCAL_DOCKER
    count: Annotated[
        int,
        _machine(
            "Machines to create, all or none: NAME-1, NAME-2, …",
            "N",
            minimum=1,
            maximum=100,
            input=_more("Count", "1", order=4),
            tracked=Tracked("count", int),
        ),
    ] = 1
    ttl: Annotated[
        str | None,
        _machine(
            "Time to live: 30m, 12h, 2d. Enforced by Daytona from 0.205 on, else by machine prune.",
            "TIME",
            input=_more("Expires after", "never, e.g. 12h", order=3),
        ),
    ] = None
    env: Annotated[
        list[str] | None,
        _machine(
            "Environment variable; without VALUE, the one of this shell. Repeatable.",
            "KEY[=VALUE]",
            short="-e",
            input=Input(),
        ),
    ] = None
    env_file: Annotated[
        list[Path] | None, _machine("File of KEY=VALUE lines. Repeatable.", "FILE")
    ] = None
    label: Annotated[
        list[str] | None, _machine("Label to add. Repeatable.", "KEY=VALUE", input=Input())
    ] = None
    stage: Annotated[
        str | None,
        _machine(
            "Stage of the machine. Default: dev-$ITERATE_USER, APP_STAGE.",
            "STAGE",
            completion=complete_stage,
            input=_more("Stage", "dev", font="", order=2),
        ),
    ] = None
    snapshot: Annotated[
        str | None,
        _machine(
            "Image or snapshot to use. Default: the local image, the stage's newest snapshot.",
            "NAME",
            materials=ENGINES | PUBLISHED,
            input=_more("Image or snapshot", "the newest", font="mono", order=1),
            tracked=Tracked("named_snapshot", bool),
        ),
    ] = None
    no_wait: Annotated[
        bool,
        _machine(
            "Return before the machine is healthy.",
            input=_more("Do not wait until healthy"),
            tracked=Tracked("waited", not_),
        ),
    ] = False
    timeout: Annotated[
        float | None,
        _machine(
            "How long to wait until the machine is healthy. Default: OS2_TIMEOUT, 120.",
            "SECONDS",
            minimum=0.1,
            input=_more("Timeout", "seconds"),
        ),
    ] = None
    port: Annotated[
        int | None,
        _on_this_host(
            "Port on this host. Default: a free one.",
            "PORT",
            minimum=1,
            maximum=65535,
            input=_resource("Port", "a free one"),
        ),
    ] = None
    cpu: Annotated[
        float | None,
        _on_engines(
            "CPU limit. Default: all but a quarter of one.",
            "CPUS",
            minimum=0.01,
            hints=SIZED,
            input=_resource("CPUs", "nearly all", order=1),
        ),
    ] = None
    memory: Annotated[
        str | None,
        _on_engines(
            "Memory limit, e.g. 2g. Default: all but a reserve for this host.",
            "SIZE",
            hints=SIZED,
            input=_resource("Memory", "nearly all, e.g. 2g", order=1),
        ),
    ] = None
    log_size: Annotated[
        str | None,
        _on_engines(
            "How much of the machine's output is kept, e.g. 100m. Default: 30m.",
            "SIZE",
            input=_resource("Log size", "30m", order=2),
        ),
    ] = None
    isolation: Annotated[
        Isolation | None,
        _on_engines(
            "strict: its root is read-only; off: the engine's defaults. Default: default.",
            "HOW",
            parser=parse_isolation,
            completion=complete_isolation,
            input=_resource("Isolation", "default, strict or off", order=2),
            tracked=Tracked("isolation_off", lambda isolation: isolation is Isolation.OFF),
        ),
    ] = None
    mount_repo: Annotated[
        bool,
        _on_this_host(
            "Use this working tree, without what git ignores, instead of the image's copy.",
            input=_resource("Mount the repository", help="the machine gets this working tree"),
            tracked=Tracked("mount_repo", bool),
        ),
    ] = False
    build: Annotated[
        bool,
        _on_engines(
            "Build the image first if it is out of date.",
            input=_resource("Rebuild the image first", help="if the image is out of date", order=1),
            tracked=Tracked("build", bool),
        ),
    ] = False
    with_git: Annotated[
        bool, _on_engines("Send a small .git to the build: the branch's history and its tags.")
    ] = False
    allow_secrets: Annotated[
        bool,
        _on_engines(
            "Send files that look like secrets to the build, or to the machine.",
            input=_resource("Allow secret-looking files", help="in the build and the machine"),
        ),
    ] = False
    yes: Annotated[
        bool,
        _on_engines("Do not ask whether an image of another repository may be used.", short="-y"),
    ] = False
    docker_host: Annotated[
        str | None,
        _on_engines(
            "Docker engine to use. Default: DOCKER_HOST, the Docker context, a known socket.",
            "URL",
            panel="Engine",
        ),
    ] = None
    public: Annotated[
        bool,
        _daytona(
            "Let anyone with the URL reach the machine.",
            input=_resource("Public", help="anyone with the URL can reach the machine"),
            tracked=Tracked("public", bool),
        ),
    ] = False
    auto_stop: Annotated[
        str | None,
        _daytona(
            "Stop when idle this long: 30m, 12h, off. Default: 12h in development, else off.",
            "TIME",
            input=_resource("Stop when idle", "12h in development"),
        ),
    ] = None
    auto_archive: Annotated[
        str | None,
        _daytona(
            "Archive when stopped this long; off: as late as possible.",
            "TIME",
            input=_resource("Archive when stopped", "e.g. 7d"),
        ),
    ] = None
    auto_delete: Annotated[
        str | None,
        _daytona(
            "Remove when stopped this long; 0m: immediately. Default: off.",
            "TIME",
            input=_resource("Remove when stopped", "never"),
        ),
    ] = None
    no_cache: Annotated[
        bool,
        _daytona(
            "Ask Daytona and ignore the cache.",
            input=_resource("Skip the cache", help="ask Daytona for the newest snapshot"),
        ),
    ] = False
