"""Where Daytona's API is and who asks.

A module of its own because the quick answers need it, and the other models would slow them down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DaytonaAccess:
    """Where Daytona's API is and who asks; ``url_origin`` names the setting.

    ``api_key`` wins over ``jwt``, which needs ``organization``. ``target`` is the region.
    """

    url: str
    url_origin: str = "default"
    api_key: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)
    organization: str | None = None
    target: str | None = None

    @property
    def configured(self) -> bool:
        """Whether there is anything to log in with."""
        return bool(self.api_key or self.jwt)

    @property
    def fingerprint(self) -> str:
        """Tells accounts apart without naming a secret; not reversible."""
        who = self.api_key or f"organization {self.organization}"
        return hashlib.sha256(f"{self.url}\n{who}".encode()).hexdigest()[:16]
