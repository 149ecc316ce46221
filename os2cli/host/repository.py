"""Find the repository of a command, and the Dockerfile in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import UsageError

CANDIDATES = (Path("sandbox/Dockerfile"), Path("apps/os2/sandbox/Dockerfile"))
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Source:
    """The root of a build context and the Dockerfile below it, both absolute.

    ``bundled``: both come with os2, because the repository has no Dockerfile.
    """

    root: Path
    dockerfile: Path
    bundled: bool = False


def find_repository(start: Path) -> Path | None:
    """Return the checkout around ``start``, which has a ``.git``, or None."""
    start = start.resolve()
    folders = (start, *start.parents)
    # Unlike Path's, it is False in a directory that denies access.
    return next((each for each in folders if os.path.exists(each / ".git")), None)  # noqa: PTH110


def locate_source(start: Path, repo: Path | None, dockerfile: str | None) -> Source:
    """Locate the repository and the Dockerfile to build.

    ``repo`` and ``dockerfile`` are the user's; a relative ``dockerfile`` is below the repository,
    else below ``start``. Without them, search the checkout around ``start``, and fall back to the
    sandbox bundled with os2.

    Raises:
        UsageError: the directory or the file does not exist, or the file is outside the directory.
    """
    if repo is not None and not repo.is_dir():
        raise UsageError(
            f"--repo: {repo} is not a directory",
            hint="name the root of the repository to build from",
            code="repository_not_found",
        )
    root = repo.resolve() if repo else find_repository(start) or start.resolve()
    if dockerfile is not None:
        return Source(root, _named_dockerfile(root, start, dockerfile))
    for candidate in CANDIDATES:
        if (root / candidate).is_file():
            return Source(root, root / candidate)
    if repo is not None:
        raise _no_dockerfile(root)
    return bundled_source()


def bundled_source() -> Source:
    """Return the sandbox bundled with os2, in the wheel or in its checkout."""
    for root in (_PACKAGE / "bundled", _PACKAGE.parent):
        if (root / CANDIDATES[0]).is_file():
            return Source(root, root / CANDIDATES[0], bundled=True)
    raise UsageError("the bundled sandbox of os2 is missing", hint="reinstall os2")


def _named_dockerfile(root: Path, start: Path, name: str) -> Path:
    for base in (root, start):
        path = (base / name).resolve()
        if path.is_file():
            if not path.is_relative_to(root):
                raise UsageError(
                    f"the Dockerfile {path} is outside the repository {root}",
                    hint="name its repository: --repo PATH",
                    code="dockerfile_outside",
                )
            return path
    raise UsageError(
        f"Dockerfile {name} not found in {root}",
        hint="pass its path relative to the repository: --dockerfile PATH",
        code="dockerfile_not_found",
    )


def _no_dockerfile(root: Path) -> UsageError:
    looked = " and ".join(str(candidate) for candidate in CANDIDATES)
    return UsageError(
        f"no Dockerfile for a sandbox in {root}",
        hint=f"os2 looks for {looked}; to use another: --dockerfile PATH",
        code="dockerfile_not_found",
    )
