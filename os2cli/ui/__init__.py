"""The web UI of ``os2 ui``: a server on loopback that calls the same use cases as the commands.

Nothing here is imported before the command runs: the web framework is in the extra ``os2[ui]``.
"""
