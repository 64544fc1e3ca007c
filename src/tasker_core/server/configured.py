"""From the settings to how a server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasker_core.server.settings import ServerSettings

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings


def server_settings(settings: Settings) -> ServerSettings:
    """How a server of these settings runs."""
    server = settings.server
    return ServerSettings(
        request_timeout=server.request_timeout,
        longest_wait=server.longest_wait,
        largest_body=server.largest_body,
        largest_batch=server.largest_batch,
        threads=server.threads,
        backlog=server.backlog,
        drain=server.drain,
        shutdown_timeout=server.shutdown_timeout,
        environment=settings.env,
    )
