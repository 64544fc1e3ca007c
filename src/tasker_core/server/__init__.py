"""The server: Tasker over HTTP. The routes are thin: they speak to the engine, as the client in process does."""

from __future__ import annotations

from tasker_core.server.app import create_app
from tasker_core.server.settings import ServerSettings

__all__ = ["ServerSettings", "create_app"]
