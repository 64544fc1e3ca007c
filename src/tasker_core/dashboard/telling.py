"""How values are told to people on a page: times, lengths, numbers, states, payloads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tasker_core.drawing.waterfall import duration

STATES = {
    "pending": "pending",
    "initializing": "pending",
    "enqueuing_steps": "pending",
    "steps_in_process": "running",
    "evaluating_results": "running",
    "waiting_for_dependencies": "pending",
    "waiting_for_retry": "retry",
    "blocked_by_failures": "blocked",
    "complete": "complete",
    "error": "error",
    "cancelled": "cancelled",
    "resolved_manually": "resolved",
    "enqueued": "ready",
    "in_progress": "running",
    "enqueued_for_orchestration": "running",
    "enqueued_as_error_for_orchestration": "running",
    "paused": "paused",
    "": "absent",
    "breaker_open": "error",
    "breaker_half_open": "retry",
    "breaker_closed": "complete",
    "active": "complete",
    "disabled": "error",
}
"""The look of each state: one glyph and one colour."""


def look(state: str) -> str:
    return STATES.get(state, "pending")


def in_words(name: str) -> str:
    """A name of the contract as people say it."""
    return name.removeprefix("breaker_").replace("_", " ")


def ago(moment: str | None) -> str:
    """How long ago a time was.

    >>> ago(None), ago("2020-01-01T00:00:00Z").split()[1]
    ('–', 'd')
    """
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    return coarse(abs(seconds))


def coarse(seconds: float | None) -> str:
    """A length of time, as exact as somebody asks who reads a list.

    >>> coarse(0.2), coarse(75), coarse(None)
    ('0 s', '1 m', '–')
    """
    if seconds is None:
        return "–"
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def took(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def between(start: str | None, end: str | None) -> str:
    """The length of a stretch of time, "–" where an end is missing."""
    if start is None or end is None:
        return "–"
    return duration((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def clock(moment: str | None) -> str:
    """A time of day, to the millisecond.

    >>> clock("2027-01-15T08:00:00.123456Z")
    '08:00:00.123'
    """
    return "–" if moment is None else moment[11:23].rstrip("Z")


def day(moment: str | None) -> str:
    """A date and a time, to the second.

    >>> day("2027-01-15T08:00:00.123456Z")
    '2027-01-15 08:00:00'
    """
    return "–" if moment is None else moment[:19].replace("T", " ")


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def percent(share: float) -> str:
    """A share of all.

    >>> percent(0), percent(0.0042), percent(0.5)
    ('0 %', '0.4 %', '50 %')
    """
    return f"{share:.0%}".replace("%", " %") if share in (0, 1) or share >= 0.1 else f"{share:.1%}".replace("%", " %")


def pretty(value: Any) -> str:
    """A payload to be read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def short_id(uuid: str) -> str:
    """The end of a UUID, where those of one moment differ."""
    return uuid[-8:]


FILTERS = {
    "look": look, "in_words": in_words, "ago": ago, "coarse": coarse, "took": took, "clock": clock, "day": day,
    "number": number, "percent": percent, "pretty": pretty, "short_id": short_id,
}  # fmt: skip
GLOBALS = {"between": between}
