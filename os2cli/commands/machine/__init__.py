"""``os2 machine``: create machines, look at them and remove them."""

from os2cli.command_line import Os2Command, new_app
from os2cli.commands.machine.create import create
from os2cli.commands.machine.inspect import list_machines, show
from os2cli.commands.machine.remove import remove

app = new_app("Create machines, look at them and remove them.")
app.command("create", cls=Os2Command)(create)
app.command("list", cls=Os2Command)(list_machines)
app.command("ls", cls=Os2Command, hidden=True)(list_machines)
app.command("show", cls=Os2Command)(show)
app.command("rm", cls=Os2Command)(remove)
app.command("remove", cls=Os2Command, hidden=True)(remove)
app.command("delete", cls=Os2Command, hidden=True)(remove)
