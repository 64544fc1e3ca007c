"""The application: routes, what surrounds them, and their documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware import Middleware
from starlette.types import Scope

from tasker_core.engine import Engine
from tasker_core.server import errors
from tasker_core.server.core import Core, Phase
from tasker_core.server.document import document
from tasker_core.server.middleware import Envelope, SizeLimit, TimeLimit
from tasker_core.server.routes import ROUTERS
from tasker_core.server.settings import ServerSettings
from tasker_core.version import VERSION

DOCUMENT = "/openapi.json"
BATCH = "/v1/tasks/batch"


def create_app(engine: Engine, settings: ServerSettings | None = None) -> FastAPI:
    """The ASGI application that serves ``engine`` over HTTP.

    The engine stays the caller's, who closes it after the application has ended.

    >>> from tasker_core.engine.open import open_engine
    >>> import tempfile
    >>> app = create_app(open_engine(f"sqlite:///{tempfile.mkdtemp()}/tasker.db"))
    >>> "/v1/tasks" in app.openapi()["paths"]
    True
    """
    settings = settings or ServerSettings()
    core = Core(engine, settings)

    def largest_body(scope: Scope) -> int:
        return settings.largest_batch if scope["path"] == BATCH else settings.largest_body

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        core.phase = Phase.NORMAL
        yield
        await core.close()

    app = FastAPI(
        title="Tasker",
        version=VERSION,
        openapi_url=DOCUMENT,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(Envelope, seen=core.metrics.seen),
            Middleware(TimeLimit, seconds=settings.request_timeout),
            Middleware(SizeLimit, largest=largest_body),
        ],
    )
    app.state.core = core
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """Make the OpenAPI document once, and serve it also where the published system does."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

    @app.get("/api-docs/openapi.json", include_in_schema=False)
    async def published_document() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/api-docs/ui", include_in_schema=False)
    async def published_page() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="openapi.json", title="Tasker")
