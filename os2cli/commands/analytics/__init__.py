"""``os2 analytics``: usage analytics."""

from os2cli.commands._declare import CommandTable, new_group

group = new_group(
    "analytics",
    "Manage usage analytics.",
    CommandTable(
        __name__,
        {
            "status": "status:status",
            "on": "consent:on",
            "off": "consent:off",
            "reset": "reset:reset",
            "show": "show:show",
        },
    ),
)
