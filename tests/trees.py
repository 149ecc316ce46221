"""Random trees that git knows of, and plain git's own answer to which files they hold.

Every tree follows from a seed. It may have submodules that are checked out or not, repositories
inside, a sparse checkout, files that git ignores, assumes unchanged or has to add later,
conflicts, links and names of any bytes; it may be a worktree or a partial clone.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SETTINGS = ("user.name=t", "user.email=t@example.com", "protocol.file.allow=always",
             "init.defaultBranch=main", "commit.gpgSign=false", "gc.auto=0",
             "uploadpack.allowFilter=true", "advice.addEmbeddedRepo=false",
             "core.hooksPath=/dev/null", "safe.bareRepository=all")  # fmt: skip
_OPTIONS = [part for setting in _SETTINGS for part in ("-c", setting)]

FOLDERS = (b"", b"a/", b"a/b/", b"src/", b"src/deep/er/", b"secrets/", b"build/", b"A/")
NAMES = (b"a", b"b", b"A", b"key.py", b"main.py", b"x.md", b"out.log", b"keep.log", b".env",
         b"a b", b"new\nline", b"caf\xe9", "caf\u00e9".encode(), b"-x", b"!n", b"#h", b"[x]",
         b"quote\"d", b"back\\slash", b"n" * 200)  # fmt: skip
IGNORED = ("*.log", "!keep.log", "build/", "/a/b", "**/er", "secrets/*", "!secrets/key.py", "A")
LEFT_OUT = ("*.log", "!keep.log", "*", "!**/*.py", "**/secrets", "a", "!a/b", "src/**", "!src",
            "**/*.md", "!x.md", "!**/key.py", "**", ".git", "?", "vendor",
            "!vendor/lib")  # fmt: skip
DOCKERFILE = b"FROM scratch\nCOPY . /context/\n"


def git(folder: Path, *arguments: str) -> bytes:
    """Run git, which may fail: not every step is possible on every tree."""
    command = ["git", *_OPTIONS, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    return done.stdout


class Tree:
    """A random tree below ``around``; ``root`` is the directory that a build is given."""

    def __init__(self, around: Path, seed: str) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.around = around
        self.steps: list[str] = []
        self.root = self._grown()
        for _ in range(self.random.randint(2, 8)):
            self._disturb(self.root)
        self._write(self.root, b"Dockerfile", DOCKERFILE)
        if self._maybe(0.7):
            rules = self.random.choices(LEFT_OUT, k=self.random.randint(1, 5))
            self.ignore = "\n".join(rules)
            self._write(self.root, b".dockerignore", self.ignore.encode())
        else:
            self.ignore = ""
            (self.root / ".dockerignore").unlink(missing_ok=True)

    def _maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def _note(self, step: str) -> None:
        self.steps.append(step)

    def _write(self, root: Path, path: bytes, content: bytes) -> None:
        place = os.path.join(os.fsencode(root), path)  # noqa: PTH118
        # Something else may be there, or above it.
        with suppress(OSError):
            os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
            if os.path.islink(place):  # noqa: PTH114
                os.unlink(place)  # noqa: PTH108
            with open(place, "wb") as file:  # noqa: PTH123
                file.write(content)

    def _path(self) -> bytes:
        return self.random.choice(FOLDERS) + self.random.choice(NAMES)

    def _repository(self, folder: Path, *, files: int) -> Path:
        folder.mkdir(parents=True)
        git(folder, "init", "-q")
        self._write(folder, b"Dockerfile", DOCKERFILE)
        for _ in range(files):
            self._write(folder, self._path(), b"1")
        if self._maybe(0.7):
            rules = self.random.choices(IGNORED, k=self.random.randint(1, 4))
            where = self.random.choice((b"", b"", b"a/", b"src/"))
            self._write(folder, where + b".gitignore", "\n".join(rules).encode())
        git(folder, "add", ".")
        if self._maybe(0.3):
            git(folder, "add", "-f", ".")
        git(folder, "commit", "-qm", "first")
        return folder

    def _grown(self) -> Path:
        origin = self._repository(self.around / "origin", files=self.random.randint(3, 12))
        if self._maybe(0.5):
            self._add_submodules(origin)
        kind = self.random.choice(("plain", "plain", "worktree", "partial", "clone", "sub folder"))
        self._note(kind)
        root, here = origin, self.around / "here"
        if kind == "worktree":
            git(origin, "worktree", "add", "-q", "--detach", str(here))
            root = here
        elif kind in ("partial", "clone"):
            filter_ = ["--filter=blob:none"] if kind == "partial" else []
            recurse = ["--recurse-submodules"] if self._maybe(0.5) else []
            git(self.around, "clone", "-q", *filter_, *recurse, f"file://{origin}", str(here))
            root = here
        if self._maybe(0.3):
            self._make_sparse(root)
        if kind == "sub folder" and (root / "src").is_dir():
            root = root / "src"
            self._write(root, b"Dockerfile", DOCKERFILE)
            git(root, "add", "-f", "Dockerfile")
        return root

    def _add_submodules(self, origin: Path) -> None:
        library = self._repository(self.around / "library", files=3)
        if self._maybe(0.4):
            inner = self._repository(self.around / "inner", files=2)
            git(library, "submodule", "add", "-q", f"file://{inner}", "in ner")
            git(library, "commit", "-qm", "inner")
        git(origin, "submodule", "add", "-q", f"file://{library}", "vendor/lib")
        if self._maybe(0.6):
            git(origin, "submodule", "update", "-q", "--init", "--recursive")
        git(origin, "commit", "-qm", "submodule")
        if self._maybe(0.3):
            git(origin, "submodule", "deinit", "-q", "-f", "vendor/lib")
        self._note("submodules")

    def _make_sparse(self, root: Path) -> None:
        cone = self.random.choice(("--cone", "--no-cone"))
        index = self.random.choice(("--sparse-index", "--no-sparse-index"))
        git(root, "sparse-checkout", "init", cone, index)
        git(root, "sparse-checkout", "set", cone, "src", "a/b")
        self._note(f"sparse {cone} {index}")

    def _disturb(self, root: Path) -> None:
        step = self.random.choice((
            "untracked", "untracked", "deleted", "link", "folder to link", "later", "assumed",
            "skipped", "repository", "born repository", "empty", "excluded", "conflict",
            "in a submodule", "pipe", "folder to file", "mode",
        ))  # fmt: skip
        self._note(step)
        path = self._path()
        place = root / os.fsdecode(path)
        files = git(root, "ls-files", "-z").split(b"\0")[:-1]
        tracked = os.fsdecode(self.random.choice(files)) if files else "Dockerfile"
        match step:
            case "untracked":
                self._write(root, path, b"2")
            case "deleted":
                with suppress(OSError):
                    (root / tracked).unlink()
            case "link":
                target = self.random.choice((".", "..", "a", "/etc/passwd", "none", "../" * 9))
                with suppress(OSError):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.symlink_to(target)
            case "folder to link":
                with suppress(OSError):
                    (root / "a").rename(self.around / f"moved-{len(self.steps)}")
                    (root / "a").symlink_to("src")
            case "folder to file":
                with suppress(OSError):
                    (root / "secrets").rename(self.around / f"moved-{len(self.steps)}")
                    (root / "secrets").write_text("now a file")
            case "later":
                self._write(root, path, b"3")
                git(root, "add", "-N", "-f", "--", os.fsdecode(path))
            case "assumed":
                git(root, "update-index", "--assume-unchanged", "--", tracked)
            case "skipped":
                git(root, "update-index", "--skip-worktree", "--", tracked)
                if self._maybe(0.5):
                    with suppress(OSError):
                        (root / tracked).unlink()
            case "repository" | "born repository":
                name = self.random.choice(("nested", "a/nested", "build/nested"))
                if not (root / name).exists() and not (root / name).is_symlink():
                    with suppress(OSError):
                        (root / name).mkdir(parents=True)
                        git(root / name, "init", "-q")
                        self._write(root / name, b"inside", b"1")
                        if step == "born repository":
                            git(root / name, "add", ".")
                            git(root / name, "commit", "-qm", "first")
            case "empty":
                with suppress(OSError):
                    (place.parent / "empty").mkdir(parents=True)
            case "excluded":
                where = git(root, "rev-parse", "--git-path", "info/exclude").strip()
                self._write(root, where, self.random.choice(IGNORED).encode())
            case "conflict":
                self._conflict(root, tracked)
            case "in a submodule":
                self._write(root, b"vendor/lib/" + path, b"4")
            case "pipe":
                with suppress(OSError):
                    os.mkfifo(root / "pipe")
            case "mode":
                with suppress(OSError):
                    if not (root / tracked).is_symlink():
                        (root / tracked).chmod(0o755)

    def _conflict(self, root: Path, tracked: str) -> None:
        """Give a path the three stages of a conflict, as a merge leaves them."""
        blob = git(root, "hash-object", "-w", "--stdin").decode().strip()
        if blob:
            lines = "".join(f"100644 {blob} {stage}\t{tracked}\n" for stage in (1, 2, 3))
            command = ["git", *_OPTIONS, "update-index", "--index-info"]
            text = os.fsencode(lines)
            subprocess.run(command, cwd=root, input=text, capture_output=True, check=False)


def known_to_git(root: Path) -> set[bytes]:
    """What git would have of a working tree and of its checked-out submodules, and is there."""
    return {path for path in _listed(root) if _is_sent(root, path)}


def _listed(root: Path) -> Iterator[bytes]:
    options = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for path in git(root, *options).split(b"\0")[:-1]:
        place = root / os.fsdecode(path)
        if path.endswith(b"/"):
            continue  # another repository, which git does not look into
        if place.is_dir() and not place.is_symlink():
            if os.path.lexists(place / ".git"):
                yield from (path + b"/" + below for below in _listed(place))
        else:
            yield path


def _is_sent(root: Path, path: bytes) -> bool:
    place = root / os.fsdecode(path)
    above = [root / os.fsdecode(parent) for parent in _parents(path)]
    return (place.is_symlink() or place.is_file()) and not any(p.is_symlink() for p in above)


def _parents(path: bytes) -> Iterator[bytes]:
    while path := path.rpartition(b"/")[0]:
        yield path
