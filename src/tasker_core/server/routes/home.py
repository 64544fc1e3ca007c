"""The first page of a server without a dashboard, and the places where the documentation is."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from tasker_core.version import VERSION

router = APIRouter(include_in_schema=False)

PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tasker</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}</style>
<h1>Tasker {VERSION}</h1>
<p>This server answers programs: see its <a href="docs">API</a>, its <a href="health/detailed">health</a>
and its <a href="metrics">figures</a>.</p>
</html>
"""


@router.get("/")
async def home() -> HTMLResponse:
    """Where to go from here."""
    return HTMLResponse(PAGE)
