"""``os2 machine``: the whole life of machines."""

from os2cli.commands._declare import CommandTable, PassingOnCommand, new_group

group = new_group(
    "machine",
    "Create, inspect, enter and remove machines.",
    CommandTable(
        __name__,
        {
            "create": "create:create",
            "list": "list:list_machines",
            "show": "show:show",
            "stats": "stats:stats",
            "shell": "shell:shell",
            "exec": "exec:execute",
            "logs": "logs:logs",
            "cp": "cp:copy",
            "url": "url:url",
            "open": "open:open_",
            "start": "lifecycle:start",
            "stop": "lifecycle:stop",
            "restart": "lifecycle:restart",
            "archive": "lifecycle:archive",
            "wait": "wait:wait",
            "rm": "rm:remove",
            "prune": "prune:prune",
        },
        aliases={"ls": "list", "remove": "rm", "delete": "rm"},
        classes={"exec": PassingOnCommand},
    ),
)
