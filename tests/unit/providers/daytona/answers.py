"""Snapshots and sandboxes as the API answers them."""

from __future__ import annotations

import json
from typing import Any

from os2cli.core.models import MachineSpec, SnapshotResources
from os2cli.snapshots.building import SnapshotContent

SNAPSHOT_NAME = "dev-jonas--20260111-193045"
KEY_A, KEY_B = "a" * 64, "b" * 64
RESOURCES = SnapshotResources(cpu=2, memory_gib=4, disk_gib=10)
REMOTE = SnapshotContent(KEY_A, dockerfile="FROM x\n", contexts=("c" * 64,))
LOCAL = SnapshotContent(KEY_A, image=f"cr.example/p/os2:1-key-{KEY_A}")
SPEC = MachineSpec(
    name="dev-1",
    stage="dev-jonas",
    snapshot=SNAPSHOT_NAME,
    env={"TOKEN": "hush-hush"},
    labels={"team": "core"},
    owner="jonas@laptop",
)
SANDBOX = "dev-jonas--dev-1"


def snapshot(**changes: Any) -> dict[str, Any]:
    """Return a snapshot with everything that the API says of it, more than os2 reads."""
    found = {
        "id": "0b4fe1c4-9d1c-4e6e-8f5e-1d1e5a0b7c11",
        "organizationId": "org-1",
        "general": False,
        "name": SNAPSHOT_NAME,
        "imageName": None,
        "state": "active",
        "size": 1.5,
        "entrypoint": ["/sandbox/entry"],
        "cpu": 4,
        "gpu": 0,
        "mem": 8,
        "disk": 10,
        "errorReason": None,
        "createdAt": "2026-01-11T19:30:45.123Z",
        "updatedAt": "2026-01-11T19:31:45.123Z",
        "lastUsedAt": None,
        "buildInfo": {
            "dockerfileContent": f"FROM scratch\n# os2-key: {KEY_A}\n",
            "contextHashes": ["c" * 64],
            "createdAt": "2026-01-11T19:30:45.123Z",
        },
        "ref": "registry.internal/x",
    }
    return {**found, **changes}


def sandbox(request_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a machine's sandbox, with everything that the API says of it."""
    marks = {
        "dev.os2.machine": "1",
        "dev.os2.name": "dev-1",
        "dev.os2.stage": "dev-jonas",
        "dev.os2.type": "daytona",
        "dev.os2.snapshot": SNAPSHOT_NAME,
        "dev.os2.owner": "jonas@laptop",
        "dev.os2.labels": json.dumps(["team"]),
        "team": "core",
    }
    if request_id:
        marks["dev.os2.request"] = request_id
    found = {
        "id": "5f0c6b1e-77aa-4a4e-9d3e-2f4f6a1c9b22",
        "organizationId": "org-1",
        "name": SANDBOX,
        "snapshot": SNAPSHOT_NAME,
        "user": "daytona",
        "env": {},
        "labels": marks,
        "public": False,
        "networkBlockAll": False,
        "target": "us",
        "cpu": 4,
        "gpu": 0,
        "memory": 8,
        "disk": 10,
        "state": "started",
        "desiredState": "started",
        "errorReason": None,
        "createdAt": "2026-01-11T19:30:45.123Z",
        "toolboxProxyUrl": "http://127.0.0.1:4000/toolbox",
    }
    return {**found, **changes}
