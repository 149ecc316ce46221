"""``os2 analytics``: what is sent about the use of os2, and whether."""

from os2cli.commands._declare import CommandTable, new_group

group = new_group(
    "analytics",
    "See what is sent about your use of os2, turn it on or off, and log out.",
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
