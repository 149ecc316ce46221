"""``os2 snapshot``: what machines are made from, local images and published snapshots."""

from os2cli.command_line import Os2Command, new_app
from os2cli.commands.snapshot.daytona import daytona
from os2cli.commands.snapshot.local_docker import local_docker
from os2cli.commands.snapshot.resolve import resolve

app = new_app("Build and publish what machines are made from.")
app.command("local-docker", cls=Os2Command)(local_docker)
app.command("daytona", cls=Os2Command)(daytona)
app.command("resolve", cls=Os2Command)(resolve)
