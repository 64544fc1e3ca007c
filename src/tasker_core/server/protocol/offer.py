"""What a worker says that it runs, and which lanes of the templates that makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict, Field

from tasker_core.engine import Known
from tasker_core.server.shapes.base import SOME_TEXT
from tasker_core.words import JsonText, lane_of


class Handler(BaseModel):
    """A handler, in one namespace or in all; ``dependencies`` are earlier steps whose results it reads besides those
    that its steps depend on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    callable: str = Field(min_length=1, max_length=255, pattern=SOME_TEXT)
    namespace: str | None = Field(None, min_length=1, max_length=255, pattern=SOME_TEXT)
    dependencies: tuple[str, ...] = ()


class Offer(BaseModel):
    """All that a worker runs; without ``namespaces`` it serves every one."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    handlers: tuple[Handler, ...] = Field(max_length=10_000)
    namespaces: tuple[str, ...] | None = None

    def lanes(self, templates: Iterable[Known]) -> dict[str, Sequence[str]]:
        """The lanes that this serves, each with the names of the results that are wanted there besides."""
        by_callable: dict[str, list[Handler]] = {}
        for handler in self.handlers:
            by_callable.setdefault(handler.callable, []).append(handler)
        lanes: dict[str, set[str]] = {}
        for known in templates:
            namespace = known.template.namespace_name
            if self.namespaces and namespace not in self.namespaces:
                continue
            for step in known.template.every_step:
                for handler in by_callable.get(step.handler.callable, ()):
                    if handler.namespace in (None, namespace):
                        lanes.setdefault(lane_of(namespace, handler.callable), set()).update(handler.dependencies)
        return {lane: tuple(sorted(wanted)) for lane, wanted in lanes.items()}

    def text(self) -> JsonText:
        return json.dumps(self.model_dump(), separators=(",", ":"))

    @classmethod
    def read(cls, text: JsonText) -> Offer:
        """What ``text`` kept."""
        return cls.model_validate_json(text)
