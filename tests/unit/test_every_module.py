"""Every module can be imported, on every Python that the suite runs on."""

from __future__ import annotations

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, warnings, os2cli
warnings.filterwarnings("error", module="os2cli")
names = [found.name for found in pkgutil.walk_packages(os2cli.__path__, "os2cli.")]
assert len(names) > 300, names
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
"""


def test_every_module_is_imported_without_a_warning() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
