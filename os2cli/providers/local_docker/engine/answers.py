"""The engine's answers: what os2 reads of each, and whether an answer has it.

An answer stays the engine's own document: the SDK and the callers read it as they always did, but
never one in which what they read has another type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from docker.errors import DockerException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from os2cli.core.json_text import parse_json
from os2cli.core.left_out import leave_out, readable_name

MAX_ANSWER_BYTES = 16 * 2**20
MAX_ERROR_BYTES = 64 * 2**10
_MAX_MESSAGE_LENGTH = 500

# Not `\w`: the letters of all scripts, 200 times, take 0.1 s to compile, at each start.
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
_Labels = dict[str, str] | None
_Texts = list[str] | None


class InvalidAnswer(DockerException):
    """An answer that no engine gives; the message completes "the answer is invalid:"."""


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class _Health(_Shape):
    Status: str = ""


class _State(_Shape):
    Status: str
    ExitCode: int = 0
    Health: _Health | None = None
    OOMKilled: bool = False


class _ContainerConfig(_Shape):
    Labels: _Labels = None
    Tty: bool = False


class _Binding(_Shape):
    HostIp: str | None = None
    HostPort: str | None = None


class _HostConfig(_Shape):
    PortBindings: dict[str, list[_Binding] | None] | None = None


class _Container(_Shape):
    Id: _Id
    Name: str = ""
    Created: str = ""
    Image: str = ""
    State: _State
    Config: _ContainerConfig
    HostConfig: _HostConfig


class _Port(_Shape):
    PublicPort: int | None = None


class _ListedContainer(_Shape):
    Id: _Id
    Names: _Texts = None
    Labels: _Labels = None
    Ports: list[_Port] | None = None
    ImageID: str | None = None


class _Created(_Shape):
    Id: _Id
    Warnings: _Texts = None


class _Execution(_Shape):
    ExitCode: int | None


class _Waited(_Shape):
    StatusCode: int


class _ImageConfig(_Shape):
    Labels: _Labels = None
    User: str | None = None


class _Image(_Shape):
    Id: _Id
    Created: str | None = None
    Size: int | None = None
    RepoTags: _Texts = None
    Config: _ImageConfig | None = None
    Os: str | None = None
    Architecture: str | None = None
    Variant: str | None = None


class _ListedNetwork(_Shape):
    Id: _Id
    Labels: _Labels = None


class _ListedImage(_Shape):
    Id: _Id
    Created: int | None = None
    Size: int | None = None
    RepoTags: _Texts = None
    Labels: _Labels = None


class _Component(_Shape):
    Name: str | None = None


class _Version(_Shape):
    ApiVersion: str | None = None
    Version: str | None = None
    Os: str | None = None
    Arch: str | None = None
    Components: list[_Component] | None = None


class _Info(_Shape):
    DriverStatus: list[Any] | None = None
    SecurityOptions: _Texts = None
    OperatingSystem: str | None = None
    Name: str | None = None


_DOCUMENTS: dict[str, type[_Shape]] = {
    r"GET /version": _Version,
    r"GET /info": _Info,
    r"POST /containers/create": _Created,
    r"POST /networks/create": _Created,
    r"POST /commit": _Created,
    r"GET /containers/[^/]+/json": _Container,
    r"POST /containers/[^/]+/exec": _Created,
    r"POST /containers/[^/]+/wait": _Waited,
    r"GET /exec/[^/]+/json": _Execution,
    r"GET /images/.+/json": _Image,
}
_LISTS: dict[str, type[_Shape]] = {
    r"GET /networks": _ListedNetwork,
    r"GET /containers/json": _ListedContainer,
    r"GET /images/json": _ListedImage,
}


def checked(method: str, url: str, body: bytes) -> Any:
    """Return the document of an answer to a request.

    An invalid item of a list is left out, with a warning.

    Raises:
        InvalidAnswer: the body is not JSON, or a field that os2 reads is missing or wrong.
    """
    try:
        document = parse_json(body)
    except ValueError:
        raise InvalidAnswer("it is not JSON") from None
    request = request_line(method, url)
    if (shape := _matching(_LISTS, request)) is not None:
        if not isinstance(document, list):
            raise InvalidAnswer("it is not a list")
        return [item for item in document if _is_valid(shape, item, request)]
    if (shape := _matching(_DOCUMENTS, request)) is not None:
        _check(shape, document)
    return document


def request_line(method: str, url: str) -> str:
    """Return a request's method and path, without the version of the API."""
    path = re.sub(r"^/v[\d.]+(?=/)", "", urlsplit(url).path)
    return f"{method} {path}"


def _matching(shapes: Mapping[str, type[_Shape]], request: str) -> type[_Shape] | None:
    return next((shapes[each] for each in shapes if re.fullmatch(each, request)), None)


def _check(shape: type[_Shape], document: Any) -> None:
    try:
        shape.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        # Pydantic's own message names our class.
        problem = "Input should be an object" if first["type"] == "model_type" else first["msg"]
        raise InvalidAnswer(f"{where}: {problem}") from None


def _is_valid(shape: type[_Shape], item: Any, request: str) -> bool:
    try:
        _check(shape, item)
    except InvalidAnswer as error:
        name = readable_name(item, "Names", "Name", "RepoTags", "Id")
        thing = f"{name or 'an item'} of {request}"
        leave_out(thing, f"the engine's answer is invalid: {error}")
        return False
    return True


def error_message(body: bytes) -> str:
    """Return what the body of an error response says, in one line; it may be empty."""
    text = body.decode(errors="replace")
    try:
        document = parse_json(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        text = str(document.get("message") or document.get("cause") or "")
    elif "<html" in text.lower() or "<!doctype" in text.lower():
        text = "a web page"
    return " ".join(text.split())[:_MAX_MESSAGE_LENGTH]
