"""The settings that count for this server, secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.server.callers import requires
from tasker_core.settings.fields import all_settings
from tasker_core.settings.telling import in_a_line, shown
from tasker_core.settings.values import Settings
from tasker_core.version import VERSION

router = pages()


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """What the page shows: (name, value, meaning, whether it is another than the default), in groups."""

    has_twin: bool

    version: str
    groups: Mapping[str, Sequence[tuple[str, str, str, bool]]]


@router.get("/settings", dependencies=[requires("system:config_read")])
async def settings_page(request: Request) -> Response:
    """The settings."""
    visit = Visit(request)
    return await visit.page("settings.html", lambda: read_settings(visit.core.settings), section="settings")


def read_settings(settings: Settings) -> SettingsPage:
    groups: dict[str, list[tuple[str, str, str, bool]]] = {}
    plain = Settings()
    for setting in all_settings():
        group = ".".join(setting.path[:-1]) or "tasker"
        value = setting.value(settings)
        line = in_a_line(shown(setting, value))
        groups.setdefault(group, []).append((setting.path[-1], line, setting.means, value != setting.value(plain)))
    return SettingsPage(settings.server.config_endpoint, VERSION, groups)
