"""Routes of pages: what goes wrong is told on a page, and who isn't known is led to the sign-in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from tasker_core.dashboard.visit import Visit, go
from tasker_core.server.auth.session import SIGN_IN
from tasker_core.server.errors import ApiError, as_api_error


class PageRoute(APIRoute):
    """A route whose errors people read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:
                return _told(request, as_api_error(error))

        return told


def pages() -> APIRouter:
    """A router for pages."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def _told(request: Request, error: ApiError) -> Response:
    visit = Visit(request)
    if error.status == 401:
        wanted = visit.path if request.method == "GET" else "/"
        return go(f"{SIGN_IN}?next={quote(wanted, safe='/')}")
    response = visit.answer(visit.render("error.html", error, ""), error.status)
    response.headers.update(error.headers or {})
    return response
