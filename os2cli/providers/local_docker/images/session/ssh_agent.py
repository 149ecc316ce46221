"""The service that passes a build's SSH connections on to the user's agent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from grpc import ServicerContext, StatusCode

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.service import Service, streams, unary

CHUNK_BYTES = 32 * 1024
_ID = "buildkit.ssh.id"
DEFAULT = "default"


def service(agents: Mapping[str, Path]) -> Service:
    """Return a service for the sockets of ``agents``, by the id of a mount."""

    def check_agent(request: Any, call: ServicerContext) -> Any:
        _agent(agents, request.ID, call)
        return message_class("CheckAgentResponse")()

    def forward_agent(messages: Iterator[Any], call: ServicerContext) -> Iterator[Any]:
        wanted = next((str(v) for k, v in call.invocation_metadata() if k == _ID), "")
        with socket.socket(socket.AF_UNIX) as agent:
            try:
                agent.connect(str(_agent(agents, wanted, call)))
            except OSError as error:
                call.abort(StatusCode.UNAVAILABLE, f"the SSH agent does not answer: {error}")
            threading.Thread(target=_pass_on, args=(messages, agent), daemon=True).start()
            while data := agent.recv(CHUNK_BYTES):
                yield message_class("BytesMessage")(data=data)

    methods = {
        "CheckAgent": unary(check_agent, "CheckAgentRequest"),
        "ForwardAgent": streams(forward_agent, "BytesMessage"),
    }
    return Service("moby.sshforward.v1.SSH", methods)


def _agent(agents: Mapping[str, Path], identity: str, call: ServicerContext) -> Path:
    name = identity or DEFAULT
    if name not in agents:
        # BuildKit goes on without it, unless the mount has ``required``.
        call.abort(StatusCode.NOT_FOUND, f"no SSH agent {name}")
    return agents[name]


def _pass_on(messages: Iterator[Any], agent: socket.socket) -> None:
    end = socket.SHUT_RDWR
    # A call that is given up raises any error of its connection.
    with suppress(Exception):
        for message in messages:
            agent.sendall(message.data)
        # Its answers may still be on their way.
        end = socket.SHUT_WR
    with suppress(OSError):
        agent.shutdown(end)
