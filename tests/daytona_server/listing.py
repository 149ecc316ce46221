"""The list of sandboxes, which runs behind what is."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from tests.daytona_server.errors import bad_request
from tests.daytona_server.records import SandboxRecord
from tests.daytona_server.versions import without

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

DEFAULT_LIMIT = 100


class SandboxIndex:
    """What the list shows: each change of a sandbox arrives ``timing.list_lag`` later."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.shown: dict[str, dict[str, Any]] = {}

    def touch(self, sandbox: SandboxRecord) -> None:
        """Take over how a sandbox is now, or that it is gone, in a while."""
        gone = sandbox.id not in self._world.sandboxes_by_id
        item = None if gone else sandbox.item()
        if self._world.timing.list_lag <= 0:
            self.show(sandbox.id, item)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(self._world.timing.list_lag, self.show, sandbox.id, item)

    def show(self, id_: str, item: dict[str, Any] | None) -> None:
        """Let the list show this item, or no longer."""
        if item is None:
            self.shown.pop(id_, None)
        else:
            self.shown[id_] = item

    def items(self) -> list[dict[str, Any]]:
        """Return what a list shows now, newest first."""
        if self._world.timing.list_lag <= 0:
            shown = [record.item() for record in self._world.sandboxes]
        else:
            shown = list(self.shown.values())
        return shown[::-1]


async def list_sandboxes(world: World, call: Call) -> Any:
    """``GET /sandbox``."""
    labels = _labels(call)
    matching = [item for item in world.index.items() if _matches(item, labels, call)]
    if world.bare_list:
        # A response as it is, which isn't held against the document: that has no such answer.
        return JSONResponse(without(world.lacking.in_answer("/sandbox"), matching))
    limit = int(float(call.query("limit", str(DEFAULT_LIMIT))))
    start = _start(call.query("cursor"))
    rest = matching[start : start + limit]
    more = start + limit < len(matching)
    return {"items": rest, "nextCursor": _cursor(start + limit) if more else None}


def _matches(item: dict[str, Any], labels: dict[str, str], call: Call) -> bool:
    states = call.queries("states")
    return (
        item["name"].startswith(call.query("name", ""))
        and item["id"].startswith(call.query("id"))
        and (not states or item["state"] in states)
        and (not call.query("snapshots") or item["snapshot"] in call.queries("snapshots"))
        and labels.items() <= item["labels"].items()
        and _within(item.get("autoDestroyAt"), call)
        and str(item["public"]).lower() == (call.query("isPublic") or str(item["public"]).lower())
    )


def _within(moment: str | None, call: Call) -> bool:
    after, before = call.query("autoDestroyAtAfter"), call.query("autoDestroyAtBefore")
    if not after and not before:
        return True
    if moment is None:
        return False
    at = datetime.fromisoformat(moment)
    return (not after or at >= _moment(after)) and (not before or at <= _moment(before))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"Invalid date {text}") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _labels(call: Call) -> dict[str, str]:
    try:
        labels = json.loads(call.query("labels") or "{}")
    except ValueError:
        raise bad_request("Invalid labels JSON format") from None
    if not isinstance(labels, dict):
        raise bad_request("Invalid labels JSON format")
    return labels


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"start": start}).encode()).decode()


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["start"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise bad_request(f"Invalid cursor provided: {cursor}") from None
