"""What pages load: one stylesheet and a few scripts, from the package, kept by browsers until their content changes."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

from tasker_core.server.errors import ApiError

router = APIRouter(include_in_schema=False)

PLACE = "/assets/"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """A file of the pages."""
    kind = KINDS.get(name[name.rfind(".") :])
    if kind is None or name not in _names():
        raise ApiError(404, "NOT_FOUND", "there is no such path", details={"resource": "path"})
    return Response(_read(name), media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


@cache
def asset_url(name: str) -> str:
    """The URL of a file, which changes with its content."""
    return f"{PLACE}{name}?{hashlib.sha256(_read(name)).hexdigest()[:10]}"


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in (files("tasker_core.dashboard") / "static").iterdir())


@cache
def _read(name: str) -> bytes:
    return (files("tasker_core.dashboard") / "static" / name).read_bytes()
