"""The transient registry: a real one on loopback, with a login for pushing and one for pulling."""

from __future__ import annotations

import secrets
import uuid

import httpx

from tests.docker_registry import DockerRegistry, Login, for_logins

__all__ = ["Registry"]


class Registry(DockerRegistry):
    """The registry of a platform.

    ``push`` is the temporary login that ``registry-push-access`` gives, ``pull`` the platform's.
    """

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.project = f"sbox-transient-{secrets.token_hex(4)}"
        self.push = Login(f"robot$push-{secrets.token_hex(4)}", secrets.token_urlsafe(24))
        self.pull = Login("platform", secrets.token_urlsafe(24))
        super().__init__(for_logins(self.push, self.pull))

    def repositories(self) -> list[str]:
        """Return the repositories that something was pushed to."""
        with httpx.Client(trust_env=False, auth=self.pull.basic) as client:
            catalog = client.get(f"http://{self.host}/v2/_catalog").raise_for_status().json()
        return list(catalog["repositories"])

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository."""
        with httpx.Client(trust_env=False, auth=self.pull.basic) as client:
            answer = client.get(f"http://{self.host}/v2/{repository}/tags/list")
        return list(answer.json()["tags"] or ()) if answer.status_code == 200 else []
