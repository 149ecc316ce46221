"""The options of ``machine create``, each declared here and nowhere else.

From these declarations follow the command line and its completion, the form of the page and the
command that it shows, what is rejected, and what an event says. To add an option, declare it here
and use it in ``machine_creation``.
"""

# No postponed annotations here: the declarations stand in them.
from dataclasses import dataclass
from functools import partial
from operator import not_
from pathlib import Path
from typing import Annotated

from os2cli.analytics.tracked_mutations import register_tracked_mutation
from os2cli.app.completions import complete_stage, complete_type
from os2cli.app.options import Input, Option, Tracked, event_properties
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.providers.entry import Material, entries, parse_type

ENGINES = frozenset({Material.LOCAL_IMAGE})
THIS_HOST = frozenset({Material.LOCAL_IMAGE, Material.THIS_HOST})
PUBLISHED = frozenset({Material.PUBLISHED_SNAPSHOT})
SIZED = {
    Material.PUBLISHED_SNAPSHOT: "resources come with the snapshot: "
    "os2 snapshot daytona --cpu … --memory …"
}

# By the panel of the help that they stand in.
_machine = partial(Option, panel="Machine")
_on_this_host = partial(Option, panel="On this host", materials=THIS_HOST)
_on_engines = partial(Option, panel="On this host", materials=ENGINES)
_daytona = partial(Option, panel="Daytona", materials=PUBLISHED)
# By the part of the form.
_resource = partial(Input, group="resources")
_more = partial(Input, group="more")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOptions:
    """The options of one command line, or of one form."""

    name: Annotated[
        str | None,
        Option("A new name is made up without it.", "[NAME]", positional=True, input=Input()),
    ] = None
    type_: Annotated[
        MachineType,
        _machine(
            f"Where it runs: {', '.join(entries())}.",
            "TYPE",
            parser=parse_type,
            completion=complete_type,
            input=Input(),
        ),
    ] = LOCAL_DOCKER
    count: Annotated[
        int,
        _machine(
            "So many, all or none: NAME-1, NAME-2, …",
            "N",
            minimum=1,
            maximum=100,
            input=_more("How many", "1", order=4),
            tracked=Tracked("count", int),
        ),
    ] = 1
    ttl: Annotated[
        str | None,
        _machine(
            "How long it may exist: 30m, 12h, 2d. Daytona ends it then, prune does elsewhere.",
            "TIME",
            input=_more("Expires after", "never, e.g. 12h", order=3),
        ),
    ] = None
    env: Annotated[
        list[str] | None,
        _machine(
            "Variable for the machine; without a value, the one of this shell. Repeatable.",
            "KEY[=VALUE]",
            short="-e",
            input=Input(),
        ),
    ] = None
    env_file: Annotated[
        list[Path] | None, _machine("File of KEY=VALUE lines. Repeatable.", "FILE")
    ] = None
    label: Annotated[
        list[str] | None, _machine("Label of your own. Repeatable.", "KEY=VALUE", input=Input())
    ] = None
    stage: Annotated[
        str | None,
        _machine(
            "Stage it belongs to. Default: dev-$ITERATE_USER, APP_STAGE.",
            "STAGE",
            completion=complete_stage,
            input=_more("Stage", "dev", font="", order=2),
        ),
    ] = None
    snapshot: Annotated[
        str | None,
        _machine(
            "Made from this. Default: the local image, the stage's newest snapshot.",
            "NAME",
            materials=ENGINES | PUBLISHED,
            input=_more("Made from", "the newest", font="mono", order=1),
            tracked=Tracked("named_snapshot", bool),
        ),
    ] = None
    no_wait: Annotated[
        bool,
        _machine(
            "Return before the machine is healthy.",
            input=_more("Do not wait until it is healthy"),
            tracked=Tracked("waited", not_),
        ),
    ] = False
    timeout: Annotated[
        float | None,
        _machine(
            "How long to wait for the machine to be healthy. Default: OS2_TIMEOUT, 120.",
            "SECONDS",
            minimum=0.1,
            input=_more("Wait at most", "seconds"),
        ),
    ] = None
    port: Annotated[
        int | None,
        _on_this_host(
            "Its port. Default: a free one.",
            "PORT",
            minimum=1,
            maximum=65535,
            input=_resource("Port", "a free one"),
        ),
    ] = None
    cpu: Annotated[
        float | None,
        _on_engines(
            "Limit of CPUs.",
            "CPUS",
            minimum=0.01,
            hints=SIZED,
            input=_resource("CPUs", "no limit", order=1),
        ),
    ] = None
    memory: Annotated[
        str | None,
        _on_engines(
            "Limit of memory, e.g. 2g.",
            "SIZE",
            hints=SIZED,
            input=_resource("Memory", "no limit, e.g. 2g", order=1),
        ),
    ] = None
    mount_repo: Annotated[
        bool,
        _on_this_host(
            "Let the machine read this working tree instead of the image's copy.",
            input=_resource("Mount the repository", help="the machine reads this working tree"),
            tracked=Tracked("mount_repo", bool),
        ),
    ] = False
    build: Annotated[
        bool,
        _on_engines(
            "Bring the image up to date first.",
            input=_resource("Build first", help="bring the image up to date", order=1),
            tracked=Tracked("build", bool),
        ),
    ] = False
    allow_secrets: Annotated[
        bool,
        _on_engines(
            "Send files that look like secrets to the build.",
            input=_resource("Allow secrets", help="send files that look like secrets to the build"),
        ),
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
            "Let anybody who has the URL reach it.",
            input=_resource("Public", help="anybody who has the URL reaches it"),
            tracked=Tracked("public", bool),
        ),
    ] = False
    auto_stop: Annotated[
        str | None,
        _daytona(
            "Stop it when idle for 30m, 12h, …; off. Default: 12h in development, else off.",
            "TIME",
            input=_resource("Stop when idle", "12h in development"),
        ),
    ] = None
    auto_archive: Annotated[
        str | None,
        _daytona(
            "Archive it when stopped for so long; off: as late as possible.",
            "TIME",
            input=_resource("Archive when stopped", "e.g. 7d"),
        ),
    ] = None
    auto_delete: Annotated[
        str | None,
        _daytona(
            "Delete it when stopped for so long, 0m at once. Default: off.",
            "TIME",
            input=_resource("Delete when stopped", "never"),
        ),
    ] = None
    no_cache: Annotated[
        bool,
        _daytona(
            "Ask Daytona, whatever the cache knows.",
            input=_resource("Ask Daytona anew", help="whatever is kept of the newest snapshot"),
        ),
    ] = False


register_tracked_mutation(
    "machine.create", "machine_created", partial(event_properties, MachineOptions)
)
