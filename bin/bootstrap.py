"""Make the .venv of this checkout: `bootstrap.py ROOT STAMP`. Standard library only.

Works with and without pip, venv, uv or root, as long as one of them can provide the rest.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class BootstrapError(Exception):
    """A step that failed, with what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def install_environment() -> dict[str, str]:
    """Return the variables for pip, which trusts the certificates that this host trusts.

    A pip without the `truststore` support of 24.2 knows its own certificates only, and would fail
    behind a proxy whose certificate was added to the host's.
    """
    env = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1")
    bundle = next((path for path in CA_BUNDLES if Path(path).is_file()), None)
    if bundle is not None and "PIP_CERT" not in env:
        env["PIP_CERT"] = env.get("SSL_CERT_FILE") or bundle
    return env


def run(command: list[str], hint: str) -> None:
    """Run a step; what it wrote is shown only when it fails."""
    done = subprocess.run(
        command, env=install_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        say(done.stdout.decode(errors="replace").rstrip())
        raise BootstrapError(f"{' '.join(command[:4])} … failed ({done.returncode})", hint)


def make_venv(venv: Path) -> None:
    """Create the folder with a pip in it or with one that can install into it from outside."""
    if importlib.util.find_spec("ensurepip") is None:
        install_venv_module()
    if importlib.util.find_spec("ensurepip") is not None:
        run([sys.executable, "-m", "venv", "--clear", str(venv)], "is the disk full?")
    elif importlib.util.find_spec("pip") is not None:
        run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)],
            "is the disk full?",
        )
    elif uv := shutil.which("uv"):
        run([uv, "venv", "--clear", "--seed", "--python", sys.executable, str(venv)], "try again")
    else:
        raise BootstrapError(
            f"{sys.executable} has neither venv nor pip",
            "Debian and Ubuntu: sudo apt-get install python3-venv",
        )


def install_venv_module() -> None:
    """Debian keeps `ensurepip` in a package of its own, which root can add."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    say("os2: installing python3-venv, which this Python comes without")
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    hint = f"apt-get install {package}"
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    # A third-party source that does not answer must not stop the distribution's own package.
    subprocess.run([apt, "update", "-qq"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run([apt, "install", "-y", "-qq", "--no-install-recommends", package], hint)
    importlib.invalidate_caches()


def pip_command(venv: Path) -> list[str]:
    python = str(venv / "bin" / "python")
    if (venv / "bin" / "pip").exists():
        return [python, "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", python]


def install(root: Path, venv: Path) -> None:
    say(f"os2: installing what this checkout needs into {venv}")
    pip = [*pip_command(venv), "install", "--quiet", "--quiet"]
    hint = "can the Python package index be reached? pip's own message is above"
    names = ("os2.txt", "ui.txt", "checkout.txt")
    pinned = [f"--requirement={root / 'requirements' / name}" for name in names]
    run([*pip, "--require-hashes", *pinned], hint)
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(root)], hint)


def main(root: Path, stamp: str) -> int:
    venv = root / ".venv"
    try:
        # Two first runs at once: one installs, the other waits and finds it done.
        with (root / ".venv.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stamp_file = venv / "os2-stamp"
            if not stamp_file.exists() or stamp_file.read_text() != stamp:
                make_venv(venv)
                install(root, venv)
                stamp_file.write_text(stamp)
    except BootstrapError as error:
        say(f"error: {error}")
        say(f"hint: {error.hint}")
        return 1
    except OSError as error:
        say(f"error: {venv} can't be written: {error.strerror}")
        say("hint: clone os2 into a folder that you may write to, on a disk with 1 GB free")
        return 1
    except KeyboardInterrupt:
        say("os2: stopped; run the same command again to go on")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))
