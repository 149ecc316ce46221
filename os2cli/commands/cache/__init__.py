"""``os2 cache``: the answers of past resolutions that are kept on disk."""

from os2cli.commands._declare import CommandTable, new_group

group = new_group(
    "cache",
    "Look at and clear the cache of snapshot resolutions.",
    CommandTable(__name__, {"show": "show:show", "clear": "clear:clear"}),
)
