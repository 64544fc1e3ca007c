"""The settings that count for a server, for who has to find out why it behaves as it does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from tasker_core.server.answers import answers
from tasker_core.server.body import Json
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.shapes.config import ConfigResponse
from tasker_core.settings.fields import all_settings
from tasker_core.settings.telling import shown
from tasker_core.settings.values import Settings
from tasker_core.version import VERSION

router = APIRouter(tags=["system"])

OFF = "this server doesn't show its settings; server.config_endpoint = true would have it do so"


@router.get(
    "/config",
    response_model=ConfigResponse,
    responses=answers(404),
    dependencies=[requires("system:config_read")],
)
async def config(request: Request) -> Json:
    """Every setting with the value that counts here. Passwords, keys and hashes are hidden."""
    settings = core_of(request).settings
    if not settings.server.config_endpoint:
        raise ApiError(404, "NOT_FOUND", OFF)
    return Json({"version": VERSION, "environment": settings.env, "settings": _nested(settings)})


def _nested(settings: Settings) -> dict[str, Any]:
    """The settings as the tables of a file."""
    tables: dict[str, Any] = {}
    for setting in all_settings():
        *path, key = setting.path
        table = tables
        for name in path:
            table = table.setdefault(name, {})
        table[key] = shown(setting, setting.value(settings))
    return tables
