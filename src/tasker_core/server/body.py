"""Reading what a request carries, writing what an answer carries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import from_json

from tasker_core.errors import PayloadError
from tasker_core.rules.payload import parse
from tasker_core.server.errors import ApiError

S = TypeVar("S", bound=BaseModel)

_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


async def read_body(request: Request) -> bytes:
    """The JSON text of a request. Its type is asked for, since a page of another site can't send it unasked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"send Content-Type: application/json, not {kind or 'nothing'!r}")
    return await request.body()


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that ``body`` holds."""
    try:
        value = parse(body, "the body")
    except PayloadError as error:
        raise ApiError(400, "JSON_ERROR", error.message) from None
    if not isinstance(value, dict):
        raise ApiError(400, "JSON_ERROR", f"the body must be a JSON object {{...}}, not a {type(value).__name__}")
    return value


def read_quickly(body: bytes) -> dict[str, Any]:
    """The same for a body that a program wrote and that may be long: a key may stand twice in an object of it."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        return read_object(body)
    return value if isinstance(value, dict) else read_object(body)


def read_shape(shape: type[S], body: bytes) -> S:
    """The JSON object that ``body`` holds, which must be of this shape."""
    return shaped(shape, read_object(body))


def shaped(shape: type[S], value: Mapping[str, Any], tags: Collection[str] = ()) -> S:
    """``value``, which must be of this shape. ``tags`` are those of the unions inside of it."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # A union's tag stands in the path, too, and isn't a field; where the tag itself is at fault, nothing else does.
        discriminator = (first.get("ctx") or {}).get("discriminator", "").strip("'")
        place = first["loc"][1:] if issubclass(shape, RootModel) else first["loc"]
        names = [str(part) for part in place if part not in tags]
        field = ".".join([*names, discriminator] if discriminator else names)
        raise ApiError(400, "BAD_REQUEST", f"{field}: {first['msg']}", field=field) from None


def refuse_unknown(said: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises ApiError for a key that this kind of body doesn't have."""
    for key in said:
        if key not in known:
            raise ApiError(400, "BAD_REQUEST", f"there is no {key!r}; there are {', '.join(known)}", field=key)


def text_of(body: Mapping[str, Any], key: str, longest: int) -> str | None:
    """A text of the body. Raises ApiError for anything else, and for one that is too long."""
    value = body.get(key)
    if value is not None and (not isinstance(value, str) or len(value) > longest or "\x00" in value):
        said = f"{key} must be a text of at most {longest:,} characters, none of them NUL"
        raise ApiError(400, "BAD_REQUEST", said, field=key)
    return value


class Json(Response):
    """An answer of plain JSON-able values."""

    media_type = "application/json"

    def __init__(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content if isinstance(content, bytes) else to_bytes(content), status, headers)


def to_bytes(value: Any) -> bytes:
    """JSON in ASCII, so that half of a surrogate pair in a context can be passed on as it came."""
    return _encode(value).encode("ascii")
