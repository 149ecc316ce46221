"""Edits a product's JSON settings: merged, backed up and replaced atomically, or unchanged."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.core.json_text import parse_json
from os2cli.core.small_files import read_small


def read_settings(path: Path) -> dict[str, Any]:
    """Return the object in ``path``; empty if the file is missing or empty.

    Raises:
        UsageError: the file is not a JSON object (``settings_broken``); it stays unchanged.
    """
    try:
        text = read_small(path).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(f"cannot read {path}: {error}") from error
    try:
        settings = parse_json(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise _broken(f"{path}, line {error.lineno}: {error.msg}") from error
    except ValueError as error:
        raise _broken(f"{path}: {error}") from error
    if not isinstance(settings, dict):
        raise _broken(f"{path}, line 1: not a JSON object")
    return settings


def write_settings(path: Path, settings: dict[str, Any], now: datetime) -> Path | None:
    """Replace ``path``, keeping its mode and owner, and return the backup, if any.

    Raises:
        OperationFailed: the directory is not writable; the file is unchanged.
    """
    target = path.resolve()  # a settings file may be a link into someone's dotfiles
    backup = target.with_name(f"{target.name}.os2-backup-{now:%Y%m%dT%H%M%SZ}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        exists = target.exists()
        if exists:
            shutil.copy2(target, backup)
        _replace(target, json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise OperationFailed(
            f"cannot write {path}: {error.strerror}",
            hint="the file is unchanged; edit it by hand",
        ) from error
    return backup if exists else None


def _replace(target: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, name)
            if hasattr(os, "chown"):
                os.chown(name, target.stat().st_uid, target.stat().st_gid)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _broken(problem: str) -> UsageError:
    return UsageError(problem, hint="fix the file; os2 did not change it", code="settings_broken")
