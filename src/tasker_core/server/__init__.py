"""The server: Tasker over HTTP. The routes are thin: they speak to the engine, as the client in process does."""

from __future__ import annotations

from tasker_core.server.app import create_app

__all__ = ["create_app"]
