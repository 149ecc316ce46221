"""The toolbox's routes, beside the API and with the same login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.daytona_server import files, log_streams, sessions, toolbox
from tests.daytona_server.activity import note_use
from tests.daytona_server.call import Call
from tests.daytona_server.toolbox_door import let_in
from tests.daytona_server.toolbox_errors import ToolboxError

if TYPE_CHECKING:
    from tests.daytona_server.state import World

Handler = Callable[["World", Call], Awaitable[Any]]
_SANDBOX = "/toolbox/{id}"
_SESSIONS = _SANDBOX + "/process/session"
_COMMAND = _SESSIONS + "/{session}/command/{command}"
_FILES = _SANDBOX + "/files"

ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", _SANDBOX + "/process/execute", toolbox.execute),
    ("GET", _SESSIONS + "/entrypoint", toolbox.entrypoint_session),
    ("GET", _SESSIONS + "/entrypoint/logs", toolbox.entrypoint_logs),
    ("GET", _SESSIONS, sessions.list_sessions),
    ("POST", _SESSIONS, sessions.create_session),
    ("GET", _SESSIONS + "/{session}", sessions.get_session),
    ("DELETE", _SESSIONS + "/{session}", sessions.delete_session),
    ("POST", _SESSIONS + "/{session}/exec", sessions.run_in_session),
    ("GET", _COMMAND, sessions.get_command),
    ("GET", _COMMAND + "/logs", log_streams.command_logs),
    ("POST", _COMMAND + "/input", sessions.send_input),
    ("GET", _FILES, files.list_files),
    ("DELETE", _FILES, files.delete_file),
    ("GET", _FILES + "/info", files.file_info),
    ("GET", _FILES + "/download", files.download),
    ("POST", _FILES + "/bulk-download", files.bulk_download),
    ("POST", _FILES + "/upload", files.upload),
    ("POST", _FILES + "/upload-v2", files.upload_v2),
    ("POST", _FILES + "/bulk-upload", files.bulk_upload),
    ("POST", _FILES + "/folder", files.make_folder),
    ("POST", _FILES + "/move", files.move_file),
    ("POST", _FILES + "/permissions", files.set_permissions),
    ("GET", _SANDBOX + "/user-home-dir", files.home_folder),
    ("GET", _SANDBOX + "/work-dir", files.work_folder),
]
SOCKETS: list[tuple[str, log_streams.Opener]] = [
    (_SESSIONS + "/entrypoint/logs", log_streams.entrypoint_stream),
    (_COMMAND + "/logs", log_streams.command_stream),
]


def toolbox_routes(world: World) -> list[BaseRoute]:
    """Return the routes; WebSockets are asked for before anything else is."""
    sockets = [WebSocketRoute(path, _socket(world, opener)) for path, opener in SOCKETS]
    routes = [
        Route(path, _answering(world, handler), methods=[method])
        for method, path, handler in ROUTES
    ]
    return [*sockets, *routes]


def _answering(world: World, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            _let_in(world, request)
            answer = await handler(world, Call(request, await request.body()))
        except ToolboxError as error:
            return _refusal(world, request, request.method, error)
        if isinstance(answer, Response):
            return answer
        return Response() if answer is None else JSONResponse(answer)

    return endpoint


def _socket(world: World, opener: log_streams.Opener) -> Callable[[WebSocket], Awaitable[None]]:
    async def endpoint(socket: WebSocket) -> None:
        try:
            _let_in(world, socket)
            stream = await opener(world, socket)
        except ToolboxError as error:
            await socket.send_denial_response(_refusal(world, socket, "GET", error))
        else:
            await stream.run(socket)

    return endpoint


def _let_in(world: World, request: HTTPConnection) -> None:
    authorization = request.headers.get("authorization", "")
    let_in(world, authorization, request.path_params["id"], request.url.path)
    note_use(world, world.sandboxes_by_id.get(request.path_params["id"]), request.headers)


def _refusal(world: World, request: HTTPConnection, method: str, error: ToolboxError) -> Response:
    # The daemon sees what is behind the sandbox.
    below = request.url.path.removeprefix(f"/toolbox/{request.path_params['id']}")
    return error.response(method, below, world.now())
