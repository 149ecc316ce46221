"""``os2 cache``: the resolutions that are cached on disk."""

from os2cli.commands._declare import CommandTable, new_group

group = new_group(
    "cache",
    "Show and clear the cache of snapshot resolutions.",
    CommandTable(__name__, {"show": "show:show", "clear": "clear:clear"}),
)
