"""``os2 snapshot``: local images and published snapshots."""

from os2cli.commands._declare import CommandTable, new_group

group = new_group(
    "snapshot",
    "Build and publish images and snapshots for machines.",
    CommandTable(
        __name__,
        {
            "local-docker": "local_docker:local_docker",
            "daytona": "daytona:daytona",
            "context": "context:context",
            "list": "list:list_snapshots",
            "show": "show:show",
            "logs": "logs:logs",
            "resolve": "resolve:resolve",
            "wait": "wait:wait",
            "activate": "activate:activate",
            "rm": "rm:remove",
            "prune": "prune:prune",
        },
        aliases={"ls": "list", "remove": "rm", "delete": "rm"},
    ),
)
