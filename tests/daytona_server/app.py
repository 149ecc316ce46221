"""The routes, and what every call of one goes through."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.daytona_server import (
    access,
    lifecycle,
    listing,
    platform,
    sandboxes,
    snapshots,
    toolbox,
    ttl,
)
from tests.daytona_server.call import Call
from tests.daytona_server.checking import (
    CheckedRequest,
    answer_problem,
    checked_request,
    request_problem,
)
from tests.daytona_server.errors import ApiError, bad_request, error_response
from tests.daytona_server.sandboxes import destroy_overdue
from tests.daytona_server.snapshot_rules import check_sizes
from tests.daytona_server.toolbox_app import toolbox_routes
from tests.daytona_server.versions import without

if TYPE_CHECKING:
    from tests.daytona_server.state import World

Handler = Callable[["World", Call], Awaitable[Any]]
PUBLIC = ("/health", "/config", "/shared-regions")
# Written before any filter: without path and timestamp.
NO_JSON = {"message": "Invalid JSON in request body", "error": "Bad Request", "statusCode": 400}
_SANDBOX = "/sandbox/{id}"
_SIGNED = _SANDBOX + "/ports/{port}/signed-preview-url"

# method, path below /api, handler, the permission that a key needs
ROUTES: list[tuple[str, str, Handler, str | None]] = [
    ("GET", "/health", platform.health, None),
    ("GET", "/health/ready", platform.ready, None),
    ("GET", "/config", platform.config, None),
    ("GET", "/regions", platform.regions, None),
    ("GET", "/shared-regions", platform.regions, None),
    ("GET", "/api-keys/current", platform.current_key, None),
    ("GET", "/object-storage/push-access", platform.storage_access, "write:snapshots"),
    ("GET", "/docker-registry/registry-push-access", platform.registry_access, None),
    ("GET", "/snapshots", snapshots.list_snapshots, None),
    ("POST", "/snapshots", snapshots.create_snapshot, "write:snapshots"),
    ("GET", "/snapshots/{id}", snapshots.get_snapshot, None),
    ("DELETE", "/snapshots/{id}", snapshots.delete_snapshot, "delete:snapshots"),
    ("POST", "/snapshots/{id}/activate", snapshots.activate_snapshot, "write:snapshots"),
    ("POST", "/snapshots/{id}/deactivate", snapshots.deactivate_snapshot, "write:snapshots"),
    ("GET", "/snapshots/{id}/build-logs", snapshots.build_logs, None),
    ("GET", "/snapshots/{id}/build-logs-url", snapshots.build_logs_url, None),
    ("GET", "/sandbox", listing.list_sandboxes, None),
    ("POST", "/sandbox", sandboxes.create_sandbox, "write:sandboxes"),
    ("GET", _SANDBOX, sandboxes.get_sandbox, None),
    ("DELETE", _SANDBOX, sandboxes.delete_sandbox, "delete:sandboxes"),
    ("POST", _SANDBOX + "/start", lifecycle.start_sandbox, "write:sandboxes"),
    ("POST", _SANDBOX + "/stop", lifecycle.stop_sandbox, "write:sandboxes"),
    ("POST", _SANDBOX + "/archive", lifecycle.archive_sandbox, "write:sandboxes"),
    ("POST", _SANDBOX + "/recover", lifecycle.recover_sandbox, "write:sandboxes"),
    ("POST", _SANDBOX + "/pause", lifecycle.pause_sandbox, "write:sandboxes"),
    ("POST", _SANDBOX + "/resize", lifecycle.resize_sandbox, "write:sandboxes"),
    ("PUT", _SANDBOX + "/labels", lifecycle.replace_labels, "write:sandboxes"),
    ("POST", _SANDBOX + "/public/{isPublic}", lifecycle.set_public, "write:sandboxes"),
    ("POST", _SANDBOX + "/autostop/{interval}", lifecycle.set_interval, "write:sandboxes"),
    ("POST", _SANDBOX + "/autopause/{interval}", lifecycle.set_interval, "write:sandboxes"),
    ("POST", _SANDBOX + "/autoarchive/{interval}", lifecycle.set_interval, "write:sandboxes"),
    ("POST", _SANDBOX + "/autodelete/{interval}", lifecycle.set_interval, "write:sandboxes"),
    ("POST", _SANDBOX + "/ttl/{ttlMinutes}", ttl.set_ttl, "write:sandboxes"),
    ("POST", _SANDBOX + "/network-settings", lifecycle.set_network, "write:sandboxes"),
    ("GET", _SANDBOX + "/ports/{port}/preview-url", access.preview_url, None),
    ("GET", _SIGNED, access.signed_preview_url, None),
    ("POST", _SIGNED + "/{token}/expire", access.expire_signed_preview_url, None),
    ("POST", _SANDBOX + "/ssh-access", access.create_ssh_access, "write:sandboxes"),
    ("DELETE", _SANDBOX + "/ssh-access", access.revoke_ssh_access, "write:sandboxes"),
    ("GET", _SANDBOX + "/toolbox-proxy-url", toolbox.proxy_url, None),
]

# Beside the API, with the same login.
OTHER_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/logs/{id}", snapshots.log_file),
]


def make_app(world: World, *, check_answers: bool) -> Starlette:
    """Return the application; ``gate`` is around it."""
    runner = _Runner(world, check_answers)
    routes: list[BaseRoute] = [
        Route("/api" + path, runner.api(handler, permission), methods=[method])
        for method, path, handler, permission in ROUTES
        if path not in world.lacking.routes
    ]
    routes += [
        Route(path, runner.beside(handler), methods=[method])
        for method, path, handler in OTHER_ROUTES
    ]

    routes += toolbox_routes(world)

    async def cannot(request: Request, error: Exception) -> Response:
        return no_such_route(world, request)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return error_response(error, request.url.path, world.now())

    async def break_down(request: Request, error: Exception) -> Response:
        world.violations.append(f"the server itself failed: {error!r}")
        broken = ApiError(500, "Internal server error")
        return error_response(broken, request.url.path, world.now())

    return Starlette(
        routes=routes,
        exception_handlers={
            404: cannot, 405: cannot, ApiError: refuse, HTTPException: break_down,
            Exception: break_down,
        },
    )  # fmt: skip


def no_such_route(world: World, request: Request) -> Response:
    """Express's answer where there is no route, or none for the method."""
    error = ApiError(404, f"Cannot {request.method} {request.url.path}")
    return error_response(error, request.url.path, world.now())


class _Runner:
    """Login, permission and limits before a handler, the contract on both sides of it."""

    def __init__(self, world: World, check_answers: bool) -> None:
        self.world = world
        self.check_answers = check_answers

    def api(
        self, handler: Handler, permission: str | None
    ) -> Callable[[Request], Awaitable[Response]]:
        """Declare a route of the API proper."""

        async def endpoint(request: Request) -> Response:
            destroy_overdue(self.world)
            path = request.url.path.removeprefix("/api")
            body = await request.body()
            try:
                call = Call(request, _parsed(request, body), self.world.lacking.in_request(path))
            except ValueError:
                return JSONResponse(NO_JSON, 400)
            public = path in PUBLIC
            if not public:
                self._log_in(request, permission)
            limits = self.world.limits.check(request.method, path, authenticated=not public)
            checked = self._check_request(path, call)
            answer = await handler(self.world, call)
            response = _response(self._check_answer(checked, answer))
            response.headers.update(limits)
            return response

        return endpoint

    def beside(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Declare a route that is not in the document."""

        async def endpoint(request: Request) -> Response:
            destroy_overdue(self.world)
            self._log_in(request, None)
            return _response(await handler(self.world, Call(request, await request.body())))

        return endpoint

    def _log_in(self, request: Request, permission: str | None) -> None:
        authorization = request.headers.get("authorization", "")
        key = self.world.keys.authenticate(authorization, self.world.now())
        if permission is not None and permission not in key.permissions:
            # The real one doesn't say which permission it is, either.
            raise ApiError(403, "Forbidden resource")
        request.state.key = key

    def _check_request(self, path: str, call: Call) -> CheckedRequest:
        query = [
            (name, value)
            for name, value in call.request.query_params.multi_items()
            if name not in call.unknown
        ]
        body = b"" if call.request.method == "GET" else json.dumps(call.json).encode()
        checked = checked_request(call.request.method, path, query, call.request.headers, body)
        problem = request_problem(checked, self.world.version)
        if problem is None:
            return checked
        if (checked.method, path) == ("post", "/snapshots"):
            check_sizes(call.json)
        self.world.violations.append(f"{call.request.method} {path}: {problem}")
        raise bad_request(problem)

    def _check_answer(self, checked: CheckedRequest, answer: Any) -> Any:
        """Leave out what this version doesn't have, and hold the rest against the document."""
        if isinstance(answer, Response) or answer is None:
            return answer
        answer = without(self.world.lacking.in_answer(checked.path), answer)
        if self.check_answers:
            problem = answer_problem(checked, answer, self.world.version)
            if problem:
                self.world.violations.append(problem)
        return answer


def _parsed(request: Request, body: bytes) -> bytes:
    """Return a body that was read as JSON; one of another type is not read."""
    if "json" not in request.headers.get("content-type", ""):
        return b""
    if body and not isinstance(json.loads(body), dict | list):
        raise ValueError("neither an object nor a list")
    return body


def _response(answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    return Response() if answer is None else JSONResponse(answer)
