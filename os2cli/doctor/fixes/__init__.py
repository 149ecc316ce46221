"""The fixes that ``os2 doctor --fix`` shows and runs."""

from __future__ import annotations

from os2cli.core.fix import Fix
from os2cli.doctor.fixes.host import Host, this_host
from os2cli.doctor.fixes.plan import plan_fixes
from os2cli.doctor.fixes.switch import Switch
from os2cli.doctor.fixes.tcp_api import plan_tcp_api

__all__ = ["Fix", "Host", "Switch", "plan_fixes", "plan_tcp_api", "this_host"]
