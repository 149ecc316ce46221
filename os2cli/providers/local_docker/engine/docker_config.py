"""Docker's configuration, less what the SDK cannot read although Docker can."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import auth
from docker.credentials.errors import StoreError
from docker.errors import DockerException
from docker.utils.config import find_config_file

from os2cli.core.json_text import parse_json
from os2cli.core.small_files import read_small
from os2cli.providers.local_docker.engine.login_helper import LoginHelper

_LOGINS = "auths"
_VARIABLE = "DOCKER_AUTH_CONFIG"
# Its stubs leave out what is extended here.
_SDK: Any = auth.AuthConfig
# A helper failed, or answered in no known form.
_FAILURES = (
    *(DockerException, StoreError, subprocess.TimeoutExpired, OSError),
    *(ValueError, KeyError, TypeError, AttributeError),
)


class UsableLogins(auth.AuthConfig):
    """The logins in the environment, in the configuration and of its helpers, in this order.

    A helper that is missing, fails or hangs has none: images that are public need none, and of the
    others the registry says that it wants one. ``hint`` then says which helper it is.
    """

    _stores: dict[str, LoginHelper]

    @property
    def is_empty(self) -> bool:
        """Never: the SDK would read the configuration again, into a class of its own."""
        return False

    def resolve_authconfig(self, registry: str | None = None) -> Any:
        """Return the login of a registry, None if there is not one."""
        wanted = auth.resolve_index_name(registry) if registry else auth.INDEX_NAME
        for host, login in _of_environment().items():
            if auth.resolve_index_name(host) == wanted:
                return login
        return _SDK.resolve_authconfig(self, registry)

    def get_all_credentials(self) -> dict[str, Any]:
        """Return the logins by host."""
        try:
            found = _SDK.get_all_credentials(self)
        except _FAILURES:
            found = _SDK.get_all_credentials(self._without_store())
        known = {host: login for host, login in found.items() if login is not None}
        return {**known, **_of_environment()}

    def hint(self, registry: str) -> str | None:
        """Return what to do about the helper that gave no login of ``registry``."""
        name = self.get_credential_store(registry)
        helper = self._stores.get(name) if name else None
        return helper.hint if helper and helper.problem else None

    def _without_store(self) -> UsableLogins:
        rest = UsableLogins({name: self[name] for name in self if name != "credsStore"})
        rest._stores = self._stores
        return rest

    def _get_store_instance(self, name: str) -> LoginHelper:
        return self._stores.setdefault(name, LoginHelper(name))

    def _resolve_authconfig_credstore(self, registry: str | None, name: str) -> Any:
        helper = self._get_store_instance(name)
        try:
            return _SDK._resolve_authconfig_credstore(self, registry, name)
        except _FAILURES:
            helper.problem = helper.problem or "gave no login"
            return None


def _of_environment() -> dict[str, Any]:
    """Return the logins in ``DOCKER_AUTH_CONFIG``, none if Docker could not read it either."""
    try:
        config = readable(parse_json(os.environ.get(_VARIABLE, "{}")))
        return dict(_SDK.parse_auth(config.get(_LOGINS, {})))
    except _FAILURES:
        return {}


def with_byte_order_mark() -> Any:
    """Return the configuration whose text begins with a mark, which the SDK does not read."""
    path = find_config_file()
    if path is None:
        return {}
    try:
        config = parse_json(read_small(Path(str(path))))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


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
