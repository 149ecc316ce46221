"""The reader of small files, under its first name."""

from os2cli.core.small_files import SMALL_FILE_BYTES, read_small

__all__ = ["SMALL_FILE_BYTES", "read_small"]
