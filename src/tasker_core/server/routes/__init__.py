"""The routes, a file for each thing that they are about."""

from __future__ import annotations

from tasker_core.server.routes import (
    actions,
    analytics,
    audit,
    bulk,
    config,
    dead_letters,
    doctor,
    documentation,
    events,
    health,
    insight,
    limits,
    metrics,
    namespaces,
    steps,
    tasks,
    templates,
    webhooks,
    worker_protocol,
    workers,
)

ROUTERS = (
    tasks.router,
    bulk.router,
    actions.router,
    insight.router,
    steps.router,
    templates.router,
    namespaces.router,
    analytics.router,
    audit.router,
    workers.router,
    worker_protocol.router,
    dead_letters.router,
    events.router,
    webhooks.router,
    limits.router,
    doctor.router,
    health.router,
    metrics.router,
    config.router,
    documentation.router,
)
