"""``os2 snapshot``: what machines are made from, local images and published snapshots."""

from os2cli.commands._declare import Os2Command, new_app
from os2cli.commands.snapshot.context import context
from os2cli.commands.snapshot.daytona import daytona
from os2cli.commands.snapshot.inspect import list_snapshots, show
from os2cli.commands.snapshot.local_docker import local_docker
from os2cli.commands.snapshot.logs import logs
from os2cli.commands.snapshot.prune import prune
from os2cli.commands.snapshot.ready import activate, wait
from os2cli.commands.snapshot.remove import remove
from os2cli.commands.snapshot.resolve import resolve

app = new_app("Build and publish what machines are made from.")
app.command("local-docker", cls=Os2Command)(local_docker)
app.command("daytona", cls=Os2Command)(daytona)
app.command("context", cls=Os2Command)(context)
app.command("list", cls=Os2Command)(list_snapshots)
app.command("ls", cls=Os2Command, hidden=True)(list_snapshots)
app.command("show", cls=Os2Command)(show)
app.command("logs", cls=Os2Command)(logs)
app.command("resolve", cls=Os2Command)(resolve)
app.command("wait", cls=Os2Command)(wait)
app.command("activate", cls=Os2Command)(activate)
app.command("rm", cls=Os2Command)(remove)
app.command("remove", cls=Os2Command, hidden=True)(remove)
app.command("delete", cls=Os2Command, hidden=True)(remove)
app.command("prune", cls=Os2Command)(prune)
