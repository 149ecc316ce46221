"""The build context: the files sent to a builder, as one stream with one digest.

::

    collect(root, dockerfile)  ->  BuildContext
        files         git's files in the directory, or a walk of it
        dockerignore  the ignore file in force; patterns: how Docker matches one pattern
        archive       the files as a canonical tar, without a copy on disk
    with_clean_git(context)  ->  the same with a small .git, while the block lasts
    without_links(context)  ->  the same as files only, for a builder that keeps nothing else
    suspicious_files(context)  ->  files that look like secrets; refuse_secrets raises for them
    collect_mounted(root)  ->  MountedTree: what a machine gets of a working tree

Docker's definition of a context: https://docs.docker.com/build/concepts/context/.
"""

from __future__ import annotations

from os2cli.snapshots.context.clean_git import with_clean_git
from os2cli.snapshots.context.context import BuildContext, collect
from os2cli.snapshots.context.entries import ContextEntry, EntryKind, encode, read_pieces
from os2cli.snapshots.context.links import without_links
from os2cli.snapshots.context.mounted import (
    MountedTree,
    collect_mounted,
    refuse_mounted_secrets,
)
from os2cli.snapshots.context.secrets import (
    SuspiciousFile,
    hidden_values,
    refuse_secrets,
    secret_arguments,
    suspicious_files,
)

__all__ = [
    "BuildContext",
    "ContextEntry",
    "EntryKind",
    "MountedTree",
    "SuspiciousFile",
    "collect",
    "collect_mounted",
    "encode",
    "hidden_values",
    "read_pieces",
    "refuse_mounted_secrets",
    "refuse_secrets",
    "secret_arguments",
    "suspicious_files",
    "with_clean_git",
    "without_links",
]
