"""Namespaces."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tasker_core.server.shapes.base import Shape


class NamespacePause(Shape):
    by: str
    at: datetime
    reason: str


class NamespaceResponse(Shape):
    namespace: str
    templates: int = Field(description="How many new tasks can be made of.")
    paused: NamespacePause | None


class NamespaceWord(Shape):
    verb: str
    at: datetime
    by: str
    reason: str


class NamespaceWithHistory(NamespaceResponse):
    history: list[NamespaceWord] = Field(description="What operators said of it, the latest first.")
