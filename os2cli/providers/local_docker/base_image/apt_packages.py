"""Packages of the distribution, resolved and fetched by the host's own APT.

APT runs on private state as chdist(1) does: it needs no privilege and changes nothing on the host.
It uses the host's proxy, credentials and trusted keys.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.core.progress import Progress
from os2cli.host.private_files import private_folder
from os2cli.host.programs import ProgramResult, ProgramTimeout, run_program
from os2cli.providers.local_docker.base_image.apt_sources import AptSource, deb822
from os2cli.providers.local_docker.base_image.failures import no_base

# `?essential` leaves these out. One pattern for all, because a name that a release doesn't have
# (usr-is-merged) must match nothing instead of failing.
_ADDED = ("apt", "ca-certificates", "mount", "passwd", "tzdata", "usr-is-merged")
PATTERN = f"?or(?essential,{','.join(f'?exact-name({name})' for name in _ADDED)})"

_UPDATE_DEADLINE_S = 180
_RESOLVE_DEADLINE_S = 60
_DOWNLOAD_DEADLINE_S = 900
_KEPT_UNUSED_S = 30 * 24 * 3600
_HALF_WRITTEN_S = 3600

_URI_LINE = re.compile(r"'[^']+' (?P<name>\S+\.deb) \d+ SHA256:(?P<sha256>\w+)")

# A private archives directory instead of the caller's cache: APT accepts an existing file of the
# right size unchecked, and two runs must not share one `partial`.
_CONFIGURATION = """\
#clear APT::Architectures;
#clear APT::Default-Release;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "archives/";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/sources.list.d";
Dir::Log "{folder}/log";
Dir::State "{folder}/state";
Dir::State::lists "lists/";
Dir::State::status "{folder}/status";
"""


@dataclass(frozen=True, slots=True)
class _PackageFile:
    """A package file that APT names; ``sha256`` is hex."""

    name: str
    sha256: str


class PrivateApt:
    """APT with its own state below ``folder``, for one Debian ``architecture``."""

    def __init__(self, folder: Path, architecture: str, progress: Progress) -> None:
        for name in ("cache/archives/partial", "state/lists/partial", "sources.list.d", "log"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        self._folder = folder
        self._progress = progress
        self._unfetched: list[str] = []
        self._configuration = folder / "apt.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(folder=folder, architecture=architecture), encoding="utf-8"
        )

    def update(self, sources: Sequence[AptSource], origin: str) -> tuple[AptSource, ...]:
        """Fetch the indexes and return the sources whose Release files name ``origin``.

        If none does, they are a republished mirror: all are returned.

        Raises:
            OperationFailed: ``base_unavailable`` when an archive can't be reached or verified.
            TimedOut: the archive is too slow.
        """
        self._use(sources)
        self._apt_get("update", deadline_s=_UPDATE_DEADLINE_S, on_line=self._listen)
        of_origin = self._uris_of(origin)
        own = tuple(source for source in sources if source.uri.rstrip("/") in of_origin)
        if own:
            self._use(own)
        return own or tuple(sources)

    def _listen(self, line: str) -> None:
        """Note archives that can't be reached: ``apt-get update`` only warns about them."""
        self._progress.log(line)
        if line.startswith("W: Failed to fetch"):
            self._unfetched.append(line.removeprefix("W: "))

    def _uris_of(self, origin: str) -> set[str]:
        uris: set[str] = set()

        def note(line: str) -> None:
            uri, _, name = line.partition(" ")
            if name == origin:
                uris.add(uri.rstrip("/"))

        targets = ("indextargets", "--format", "$(REPO_URI) $(ORIGIN)", "Created-By: Packages")
        self._apt_get(*targets, deadline_s=_RESOLVE_DEADLINE_S, on_line=note)
        return uris

    def download(self, cache_dir: Path) -> list[Path]:
        """Resolve ``PATTERN``, fetch its packages and return them sorted by file name.

        Verified files come from ``cache_dir``; new ones are added to it.

        Raises:
            OperationFailed: ``base_unavailable`` when packages are missing or can't be fetched.
            TimedOut: the archive is too slow.
        """
        packages = self._resolve()
        archives = self._folder / "cache/archives"
        missing = [item for item in packages if not _take(item, cache_dir, archives)]
        done = len(packages) - len(missing)

        def count(line: str) -> None:
            nonlocal done
            self._progress.log(line)
            if line.startswith("Get:"):
                self._progress.status("downloading packages", done, len(packages))
                done += 1

        if missing:
            self._install("--download-only", deadline_s=_DOWNLOAD_DEADLINE_S, on_line=count)
        _keep(archives, packages, missing, cache_dir)
        return sorted(archives / item.name for item in packages)

    def _resolve(self) -> list[_PackageFile]:
        packages: list[_PackageFile] = []

        def note(line: str) -> None:
            if uri := _URI_LINE.fullmatch(line):
                packages.append(_PackageFile(uri["name"], uri["sha256"]))

        # Without ForceHash the list shows MD5 sums, for old scripts.
        options = ("-qq", "--print-uris", "-o", "Acquire::ForceHash=SHA256")
        self._install(*options, deadline_s=_RESOLVE_DEADLINE_S, on_line=note)
        names = {item.name.partition("_")[0] for item in packages}
        if missing := {"apt", "base-files", "dpkg"} - names:
            reason = f"the package archive does not offer {', '.join(sorted(missing))}"
            raise no_base("; ".join(self._unfetched) or reason)
        for line in self._unfetched:
            self._progress.warn(f"the base image may lack updates: {line}")
        return packages

    def _use(self, sources: Sequence[AptSource]) -> None:
        """Configure package indexes only: hosts may have others of tens of megabytes."""
        text = deb822(sources, Targets="Packages")
        (self._folder / "sources.list.d/os2.sources").write_text(text, encoding="utf-8")

    def _install(self, *options: str, deadline_s: float, on_line: Callable[[str], None]) -> None:
        command = ("install", "--yes", *options, PATTERN)
        self._apt_get(*command, deadline_s=deadline_s, on_line=on_line)

    def _apt_get(self, *arguments: str, deadline_s: float, on_line: Callable[[str], None]) -> None:
        command = ["apt-get", "-c", str(self._configuration), "-q", *arguments]
        try:
            result = run_program(["env", "LC_ALL=C", *command], timeout=deadline_s, on_line=on_line)
        except ProgramTimeout as late:
            last = late.tail[-1] if late.tail else "no output"
            raise TimedOut(
                f"timed out after {deadline_s:.0f} s waiting for apt-get (last line: {last})",
                hint="retry when the network or the disk is faster",
            ) from None
        if result.returncode:
            raise _failed(result)


def _failed(result: ProgramResult) -> OperationFailed:
    complaints = [line[3:] for line in result.tail if line.startswith(("E: ", "W: "))]
    why = complaints[0] if complaints else f"apt-get failed with exit code {result.returncode}"
    return no_base(f"cannot fetch packages: {why}", result.tail)


def _take(item: _PackageFile, cache_dir: Path, archives: Path) -> bool:
    """Copy a cached file to where APT looks; return False unless its digest is the archive's."""
    target = archives / item.name
    try:
        shutil.copyfile(cache_dir / item.name, target)
        with target.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() == item.sha256:
                return True
    except OSError:
        pass
    target.unlink(missing_ok=True)
    return False


def _keep(
    archives: Path,
    packages: Sequence[_PackageFile],
    fetched: Sequence[_PackageFile],
    cache_dir: Path,
) -> None:
    """Add the files to the cache and drop unused ones; a failure to write is ignored."""
    with suppress(OSError):
        private_folder(cache_dir)
        for item in fetched:
            part = cache_dir / f".{item.name}.{archives.parent.parent.name}"
            shutil.copyfile(archives / item.name, part)
            part.replace(cache_dir / item.name)
        for item in packages:
            (cache_dir / item.name).touch()
        for old in _unused(cache_dir):
            old.unlink()


def _unused(cache_dir: Path) -> Iterator[Path]:
    """Yield packages that no build needed for long, and what killed builds wrote half."""
    for pattern, seconds in (("*.deb", _KEPT_UNUSED_S), (".*.deb.*", _HALF_WRITTEN_S)):
        limit = time.time() - seconds
        yield from (path for path in cache_dir.glob(pattern) if path.stat().st_mtime < limit)
