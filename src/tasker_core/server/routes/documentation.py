"""The API's description, and a page to try it: all of it from here, since a server may be where no other site is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from tasker_core.server.errors import ApiError

router = APIRouter(include_in_schema=False)

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tasker API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{assets}/swagger-ui.css">
<div id="page"></div>
<script src="{assets}/swagger-ui-bundle.js"></script>
<script src="{assets}/page.js"></script>
</html>
"""
SCRIPT = """SwaggerUIBundle({
  url: new URL("openapi.json", location.href).href,
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""
OWN_THINGS_ONLY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
}
KINDS: Mapping[str, str] = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
KEPT = {"Cache-Control": "public, max-age=3600"}


@router.get("/openapi.json")
@router.get("/api-docs/openapi.json")
async def document(request: Request) -> JSONResponse:
    """What the API is, for programs."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def page() -> HTMLResponse:
    """What the API is, for people."""
    return HTMLResponse(PAGE.format(assets="docs"), headers=OWN_THINGS_ONLY)


@router.get("/api-docs/ui")
async def published_page() -> HTMLResponse:
    return HTMLResponse(PAGE.format(assets="../docs"), headers=OWN_THINGS_ONLY)


@router.get("/docs/{asset}")
async def asset(asset: str) -> Response:
    """What the page is made of."""
    if asset == "page.js":
        return Response(SCRIPT, media_type="text/javascript")
    if asset not in KINDS:
        raise ApiError(404, "NOT_FOUND", "there is no such path", details={"resource": "path"})
    return Response(_read(asset), media_type=KINDS[asset], headers=KEPT)


@cache
def _read(asset: str) -> bytes:
    # Swagger UI, in a package that is made anew with each of its versions.
    return (files("fastapi_offline") / "static" / asset).read_bytes()
