"""The routes, a file for each thing that they are about."""

from __future__ import annotations

from tasker_core.server.routes import (
    actions,
    analytics,
    config,
    dead_letters,
    doctor,
    documentation,
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
    actions.router,
    insight.router,
    steps.router,
    templates.router,
    analytics.router,
    dead_letters.router,
    doctor.router,
    health.router,
    metrics.router,
    config.router,
    documentation.router,
    home.router,
)
