"""The application: routes, what surrounds them, and their documentation."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from tasker_core.engine import Engine
from tasker_core.server import errors
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.failure import FAILURE_HEADERS
from tasker_core.server.auth.gate import Gate
from tasker_core.server.auth.mask import Mask
from tasker_core.server.core import Core, Phase
from tasker_core.server.document import document
from tasker_core.server.middleware import REQUEST_ID, Envelope, SizeLimit, TimeLimit
from tasker_core.server.routes import ROUTERS, home
from tasker_core.settings.values import Settings
from tasker_core.version import VERSION

LARGE = re.compile("/v1/tasks/batch|/v1/workers/[^/]+/reports")
"""Paths whose bodies may hold much at once."""


def create_app(
    engine: Engine,
    settings: Settings | None = None,
    access: Access | None = None,
    pages: Sequence[APIRouter] = (home.router,),
) -> FastAPI:
    """The ASGI application that serves ``engine`` over HTTP to those whom ``access`` lets in: else to this machine.

    ``pages`` are what people see of it, besides the API: the dashboard's, or one that says where to go from here.

    Without ``settings`` the defaults count; the environment isn't looked at. The engine stays the caller's, who closes
    it after the application has ended.

    >>> from tasker_core.engine.open import open_engine
    >>> import tempfile
    >>> app = create_app(open_engine(f"sqlite:///{tempfile.mkdtemp()}/tasker.db"))
    >>> "/v1/tasks" in app.openapi()["paths"]
    True
    """
    settings, access = settings or Settings(), access or Access()
    core = Core(engine, settings)

    def largest_body(scope: Scope) -> int:
        return settings.server.largest_batch if LARGE.fullmatch(scope["path"]) else settings.server.largest_body

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if access.authenticator is not None:
            access.authenticator.begin()
        core.webhooks.start()
        core.overload.begin()
        core.phase = Phase.NORMAL
        yield
        await core.close()

    app = FastAPI(
        title="Tasker",
        version=VERSION,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(Envelope, seen=core.metrics.seen),
            Middleware(TimeLimit, seconds=settings.server.request_timeout),
            *_cross_origin(access),
            Middleware(Gate, access=access, metrics=core.metrics),
            Middleware(Mask, access=access),
            Middleware(SizeLimit, largest=largest_body),
        ],
    )
    app.state.core, app.state.access = core, access
    errors.install(app)
    for router in (*ROUTERS, *pages):
        app.include_router(router)
    _document(app)
    return app


def _cross_origin(access: Access) -> list[Middleware]:
    """What has browsers let pages of other sites ask. They bring their credentials themselves, never a cookie."""
    if not access.origins:
        return []
    key_header = access.authenticator.api_key_header if access.authenticator else "X-API-Key"
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=["Authorization", key_header, "Content-Type", REQUEST_ID],
            expose_headers=[REQUEST_ID, "Retry-After", *FAILURE_HEADERS],
        )
    ]


def _document(app: FastAPI) -> None:
    """Make the OpenAPI document once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way
