"""The distribution's own entries among the host's APT sources.

Both formats of sources.list(5) are read; what is written is always deb822.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from os2cli.providers.local_docker.base_image.distribution import Distribution

_FETCHED = ("http", "https")
# Options that change how an archive is fetched or checked. The others (Languages, Targets, PDiffs…)
# choose indexes, which os2 chooses itself.
_KEPT_OPTIONS = ("Trusted", "Check-Valid-Until", "Check-Date", "Valid-Until-Max", "By-Hash")


@dataclass(frozen=True, slots=True)
class AptSource:
    """One archive: a URI, its suites and components.

    ``signed_by`` is empty, key files, fingerprints or an inline key, as in sources.list(5);
    ``options`` are further deb822 fields.
    """

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def key_files(self) -> tuple[str, ...]:
        """The absolute paths among ``signed_by``."""
        if "\n" in self.signed_by:  # an inline key, whose base64 lines may start with a slash
            return ()
        return tuple(
            word for word in self.signed_by.replace(",", " ").split() if word.startswith("/")
        )


def distribution_sources(
    root: Path, distribution: Distribution, architecture: str
) -> tuple[AptSource, ...]:
    """Return the entries below ``root`` that name the distribution's suites and components.

    ``architecture`` is Debian's name. An entry does not show whether a foreign archive uses the
    same suite names: ``apt_packages`` checks its Release file later.
    """
    sources: dict[AptSource, None] = {}
    for path in _source_files(root):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        read = _deb822_stanzas if path.suffix == ".sources" else _one_line_stanzas
        for stanza in read(text):
            sources.update(dict.fromkeys(_sources_of(stanza, root, distribution, architecture)))
    return tuple(sources)


def deb822(sources: Iterable[AptSource], **fields: str) -> str:
    """Return the text of a ``.sources`` file with ``fields`` in every stanza (``_`` for ``-``)."""
    stanzas = []
    for source in sources:
        stanza = {
            "Types": "deb",
            "URIs": source.uri,
            "Suites": " ".join(source.suites),
            "Components": " ".join(source.components),
            "Signed-By": source.signed_by,
            **dict(source.options),
            **{name.replace("_", "-"): value for name, value in fields.items()},
        }
        stanzas.append("".join(f"{name}: {value}\n" for name, value in stanza.items() if value))
    return "\n".join(stanzas)


def signed_by_default(source: AptSource, keyring: str) -> AptSource:
    """Return the source signed by ``keyring`` if its entry names no keys."""
    return source if source.signed_by else replace(source, signed_by=keyring)


def _source_files(root: Path) -> Iterator[Path]:
    yield root / "etc/apt/sources.list"
    parts = root / "etc/apt/sources.list.d"
    yield from sorted(path for path in parts.glob("*") if path.suffix in {".list", ".sources"})


def _sources_of(
    stanza: dict[str, str], root: Path, distribution: Distribution, architecture: str
) -> Iterator[AptSource]:
    if "deb" not in stanza.get("types", "").split() or stanza.get("enabled") == "no":
        return
    architectures = stanza.get("architectures", "").replace(",", " ").split()
    if architectures and architecture not in architectures:
        return
    suites = tuple(s for s in stanza.get("suites", "").split() if distribution.owns_suite(s))
    offered = stanza.get("components", "").split()
    components = tuple(name for name in distribution.components if name in offered)
    if not suites or not components:
        return
    options = tuple(
        (name, stanza[name.lower()]) for name in _KEPT_OPTIONS if name.lower() in stanza
    )
    for uri in _resolved(stanza.get("uris", "").split(), root):
        yield AptSource(uri, suites, components, stanza.get("signed-by", ""), options)


def _resolved(uris: Iterable[str], root: Path) -> Iterator[str]:
    """Yield the URIs that a container can also fetch from, with local mirror lists expanded.

    Debian's cloud images name their mirrors in a file on the host (``mirror+file:``).
    """
    for uri in uris:
        parts = urlsplit(uri)
        if parts.scheme in _FETCHED:
            yield uri
        elif parts.scheme == "mirror+file":
            try:
                lines = (root / parts.path.lstrip("/")).read_text(encoding="utf-8").splitlines()
            except OSError:
                continue
            first = (line.split()[0] for line in lines if line.strip() and line[0] != "#")
            yield from (mirror for mirror in first if urlsplit(mirror).scheme in _FETCHED)


def _one_line_stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield ``deb [arch=amd64 signed-by=/key.gpg] URI suite component…`` lines as deb822 fields."""
    names = {"arch": "architectures"}
    for line in text.splitlines():
        kind, rest = [*line.partition("#")[0].split(None, 1), "", ""][:2]
        stanza = {"types": kind}
        if rest.startswith("["):
            options, _, rest = rest[1:].partition("]")
            for option in options.split():
                name, _, value = option.partition("=")
                stanza[names.get(name.lower(), name.lower())] = value.replace(",", " ")
        words = rest.split()
        if kind == "deb" and len(words) > 1:
            stanza |= {"uris": words[0], "suites": words[1], "components": " ".join(words[2:])}
            yield stanza


def _deb822_stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the stanzas with lower-case names; continuation lines (inline keys) stay unchanged."""
    stanza: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, name = {}, ""
        elif line[0] in " \t" and name:
            stanza[name] += "\n" + line.rstrip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            stanza[name] = value.strip()
