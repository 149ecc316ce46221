"""Which commands are used and how they end, sent to PostHog: only with a key, and never waited for.

A command writes its event into a spool on disk (``spool``); a process of its own delivers what is
there (``delivery``). What is sent stands in ``tracked_mutations``; whether anything is, in
``consent``. Nothing here may fail or slow down a command.
"""
