"""The routes, a file for each thing that they are about."""

from __future__ import annotations

from tasker_core.server.routes import health, home, metrics, steps, tasks

ROUTERS = (tasks.router, steps.router, health.router, metrics.router, home.router)
