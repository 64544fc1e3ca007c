"""The routes, a file for each thing that they are about."""

from __future__ import annotations

from tasker_core.server.routes import (
    actions,
    analytics,
    audit,
    config,
    dead_letters,
    doctor,
    documentation,
    health,
    insight,
    metrics,
    steps,
    tasks,
    templates,
    workers,
)

ROUTERS = (
    tasks.router,
    actions.router,
    insight.router,
    steps.router,
    templates.router,
    analytics.router,
    audit.router,
    workers.router,
    dead_letters.router,
    doctor.router,
    health.router,
    metrics.router,
    config.router,
    documentation.router,
)
