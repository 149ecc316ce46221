"""The fixes that ``os2 doctor --fix`` shows and runs."""

from __future__ import annotations

from os2cli.core.fix import Fix
from os2cli.doctor.fixes.host import Host, this_host
from os2cli.doctor.fixes.plan import plan_fixes

__all__ = ["Fix", "Host", "plan_fixes", "this_host"]
