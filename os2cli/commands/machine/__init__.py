"""``os2 machine``: the whole life of machines."""

from os2cli.commands._declare import Os2Command, PassingOnCommand, new_app
from os2cli.commands.machine.change import archive, restart, start, stop
from os2cli.commands.machine.copy import copy
from os2cli.commands.machine.create import create
from os2cli.commands.machine.listing import list_machines, show
from os2cli.commands.machine.logs import logs
from os2cli.commands.machine.prune import prune
from os2cli.commands.machine.reach import open_, url
from os2cli.commands.machine.remove import remove
from os2cli.commands.machine.run import execute, shell
from os2cli.commands.machine.wait import wait

app = new_app("Create machines, enter them, look at them and remove them.")
for name, command in (
    ("create", create),
    ("list", list_machines),
    ("show", show),
    ("shell", shell),
    ("exec", execute),
    ("logs", logs),
    ("cp", copy),
    ("url", url),
    ("open", open_),
    ("start", start),
    ("stop", stop),
    ("restart", restart),
    ("archive", archive),
    ("wait", wait),
    ("rm", remove),
    ("prune", prune),
):
    app.command(name, cls=PassingOnCommand if command is execute else Os2Command)(command)
for alias, command in (("ls", list_machines), ("remove", remove), ("delete", remove)):
    app.command(alias, cls=Os2Command, hidden=True)(command)
