"""Docker's configuration, less what the SDK cannot read although Docker can."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from typing import Any

from docker import auth
from docker.credentials.constants import PROGRAM_PREFIX
from docker.credentials.errors import StoreError
from docker.errors import DockerException

_LOGINS = "auths"
# Its stubs leave out what is extended here.
_SDK: Any = auth.AuthConfig
# A helper failed, or answered in no known form.
_FAILURES = (DockerException, StoreError, ValueError, KeyError, TypeError, AttributeError)


class UsableLogins(auth.AuthConfig):
    """The logins in the configuration and of its helpers.

    A helper that is missing or fails has none: images that are public need none, and of the others
    the registry says that it wants one.
    """

    def get_all_credentials(self) -> dict[str, Any]:
        """Return the logins by host."""
        logins = self
        if self.creds_store and not _is_installed(self.creds_store):
            logins = self._without_store()
        try:
            found = _SDK.get_all_credentials(logins)
        except _FAILURES:
            found = _SDK.get_all_credentials(self._without_store())
        return {host: login for host, login in found.items() if login is not None}

    def _without_store(self) -> UsableLogins:
        return UsableLogins({name: self[name] for name in self if name != "credsStore"})

    def _resolve_authconfig_credstore(self, registry: str | None, name: str) -> Any:
        if not _is_installed(name):
            return None
        try:
            return _SDK._resolve_authconfig_credstore(self, registry, name)
        except _FAILURES:
            return None


def _is_installed(helper: object) -> bool:
    return shutil.which(f"{PROGRAM_PREFIX}{helper}") is not None


def readable(config: Any) -> Any:
    """Return a configuration whose logins the SDK takes.

    One that cannot be read is left out, as Docker does, with the others kept: most commands need
    none. What has another form on the whole is returned as it is.
    """
    if not isinstance(config, dict) or not isinstance(config.get(_LOGINS), dict):
        return config
    return {**config, _LOGINS: {host: _login(entry) for host, entry in config[_LOGINS].items()}}


def _login(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        return {}
    if entry.get("identitytoken"):
        return entry
    written = {name: value for name, value in entry.items() if name != "identitytoken"}
    if not written.get("auth"):
        user, password = written.get("username"), written.get("password")
        if not isinstance(user, str) or not isinstance(password, str):
            return {}
        text = base64.b64encode(f"{user}:{password}".encode(errors="replace"))
        return {**written, "auth": text.decode()}
    return written if _is_readable(written["auth"]) else {}


def _is_readable(auth: Any) -> bool:
    try:
        return ":" in base64.b64decode(auth.encode("ascii")).decode()
    except (AttributeError, ValueError):
        return False
