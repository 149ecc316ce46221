"""Every command with every remote call with every fault, and every signal at every call.

``nox -s faults`` runs all of it and writes the table of docs/reliability.md; the suites run a
sample, whose seed is printed.
"""
