"""The application: ``uvicorn fastapi_shop.app:app``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from fastapi_shop.database import Database
from fastapi_shop.routes import accounts, orders, pages, refunds, reports
from fastapi_shop.settings import TEMPLATES, Settings
from fastapi_shop.shop import Shop
from tasker_core import TaskerClient, TaskNotFoundError, TaskStateError, Worker


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The shop opens: its tables, a client for tasks and, unless others do that, a worker. All of these block."""
    settings = Settings.from_environment()
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.push_async_callback(asyncio.to_thread, database.close)
        await asyncio.to_thread(database.prepare)
        client = await asyncio.to_thread(TaskerClient, "shop", "fastapi-shop", database_url=settings.database_url)
        stack.push_async_callback(asyncio.to_thread, client.close)
        for template in sorted(TEMPLATES.glob("*.yaml")):
            await asyncio.to_thread(client.register_template, template)
        if settings.runs_worker:
            worker = await asyncio.to_thread(
                Worker.start,
                ["fastapi_shop.handlers"],
                database_url=settings.database_url,
                template_path=TEMPLATES,
            )
            stack.push_async_callback(asyncio.to_thread, worker.stop)
        app.state.shop = Shop(database, client)
        yield


app = FastAPI(title="Tea shop", lifespan=lifespan)
for routes in (orders, refunds, accounts, reports, pages):
    app.include_router(routes.router)


@app.exception_handler(TaskNotFoundError)
async def not_found(_: Request, error: TaskNotFoundError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 404)


@app.exception_handler(TaskStateError)
async def too_late(_: Request, error: TaskStateError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 409)
