"""The toolbox: what goes on inside a sandbox, beside the API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.daytona_server.errors import ApiError, bad_request
from tests.daytona_server.records import SandboxRecord

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

EXECUTE_SECONDS = 10.0


async def proxy_url(world: World, call: Call) -> Any:
    """``GET /sandbox/{id}/toolbox-proxy-url``."""
    return {"url": world.sandbox(call.param("id")).toolbox_url}


def running_sandbox(world: World, call: Call) -> SandboxRecord:
    """The sandbox that is meant, which must be running."""
    sandbox = world.sandbox(call.param("id"))
    if sandbox.state != "started":
        raise bad_request(f"Sandbox is not running (state: {sandbox.state})")
    return sandbox


async def run_command(
    world: World, sandbox: SandboxRecord, command: str, cwd: str | None, env: dict[str, str]
) -> tuple[int, str]:
    """Run a command in the sandbox's shell: its exit code and all that it wrote."""
    if world.engine is None:
        return world.stub_execute(sandbox, command)
    return await world.in_thread(world.engine.execute, sandbox, command, cwd, env)


async def execute(world: World, call: Call) -> Any:
    """``POST /toolbox/{id}/process/execute``: one command, and what it wrote."""
    sandbox = running_sandbox(world, call)
    request = call.json
    if not request.get("command"):
        raise bad_request("command is required")
    work = run_command(
        world, sandbox, request["command"], request.get("cwd"), dict(request.get("envs") or {})
    )
    try:
        code, output = await asyncio.wait_for(work, request.get("timeout") or EXECUTE_SECONDS)
    except TimeoutError:
        raise ApiError(408, "command execution timeout") from None
    return {"exitCode": code, "result": output}


async def entrypoint_session(world: World, call: Call) -> Any:
    """``GET …/process/session/entrypoint``."""
    sandbox = running_sandbox(world, call)
    command = {"id": "entrypoint_command", "command": " ".join(sandbox.entrypoint)}
    return {"sessionId": "entrypoint", "commands": [command]}


async def entrypoint_logs(world: World, call: Call) -> Any:
    """``GET …/process/session/entrypoint/logs``: all that the entry point has written."""
    sandbox = running_sandbox(world, call)
    if world.engine is None:
        stdout, stderr = "".join(f"{line}\n" for line in sandbox.log), ""
    else:
        stdout, stderr = await world.in_thread(world.engine.logs, sandbox)
    return {"output": stdout + stderr, "stdout": stdout, "stderr": stderr}
