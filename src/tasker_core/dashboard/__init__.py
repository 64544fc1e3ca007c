"""The dashboard: pages for people, made on the server from the same verbs of the engine that the API answers with.

``PAGES`` are its routes, which ``create_app`` takes as ``pages``. Each page is a module of ``pages``: its model is a
frozen value that a function reads from the engine, and a template in ``templates`` makes the page of it.
"""

from __future__ import annotations

from tasker_core.dashboard import assets, live
from tasker_core.dashboard.pages import (
    actions,
    audit,
    bulk,
    dead_letters,
    events,
    limits,
    namespaces,
    overview,
    settings,
    sign_in,
    task,
    tasks,
    templates,
    webhooks,
    workers,
)

PAGES = (
    overview.router,
    tasks.router,
    bulk.router,
    task.router,
    actions.router,
    templates.router,
    dead_letters.router,
    workers.router,
    namespaces.router,
    limits.router,
    events.router,
    webhooks.router,
    audit.router,
    settings.router,
    sign_in.router,
    live.router,
    assets.router,
)
