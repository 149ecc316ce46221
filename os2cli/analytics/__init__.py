"""Usage analytics: which commands run and how they end, sent to PostHog if a key is set.

A command writes its event to a spool on disk (``spool``); a separate process delivers the spool
(``delivery``). ``tracked_mutations`` defines what is sent, ``consent`` whether anything is.
Nothing here may fail or slow down a command.
"""
