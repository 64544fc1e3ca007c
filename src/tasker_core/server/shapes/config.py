"""Settings."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tasker_core.server.shapes.base import Shape


class ConfigResponse(Shape):
    version: str
    environment: str
    settings: dict[str, Any] = Field(description="As the tables of `tasker.toml`.")
