"""The routes, a file for each thing that they are about."""

from __future__ import annotations

from tasker_core.server.routes import (
    analytics,
    dead_letters,
    doctor,
    health,
    home,
    insight,
    metrics,
    steps,
    tasks,
    templates,
)

ROUTERS = (
    tasks.router,
    insight.router,
    steps.router,
    templates.router,
    analytics.router,
    dead_letters.router,
    doctor.router,
    health.router,
    metrics.router,
    home.router,
)
