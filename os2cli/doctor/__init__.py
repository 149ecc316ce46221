"""``os2 doctor``: what works on this computer, what does not, and what can be fixed."""

from __future__ import annotations

from os2cli.doctor.findings import Finding, FixId, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.doctor.runner import run_checks

__all__ = ["DoctorInputs", "Finding", "FixId", "ImageFreshness", "Remedy", "Status", "run_checks"]
