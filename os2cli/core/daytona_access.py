"""The address of Daytona's API and the account that calls it.

Apart from the other models because quick answers need it and the rest would slow them down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DaytonaAccess:
    """The address of Daytona's API and the account; ``url_origin`` names the setting.

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
        """Whether there are credentials."""
        return bool(self.api_key or self.jwt)

    @property
    def fingerprint(self) -> str:
        """An id of the account that reveals no secret and cannot be reversed."""
        who = self.api_key or f"organization {self.organization}"
        return hashlib.sha256(f"{self.url}\n{who}".encode(errors="surrogateescape")).hexdigest()[
            :16
        ]
