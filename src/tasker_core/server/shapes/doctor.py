"""A diagnosis."""

from __future__ import annotations

from typing import Any

from tasker_core.rules.diagnosis import CheckKind, Level
from tasker_core.server.shapes.base import Shape


class CheckResponse(Shape):
    """One thing that was looked at."""

    kind: CheckKind
    level: Level
    place: str
    text: str
    advice: str
    details: dict[str, Any]


class DiagnosisResponse(Shape):
    """All that was checked. ``usable`` is false where the store couldn't be looked into at all."""

    sound: bool
    usable: bool
    checks: list[CheckResponse]
