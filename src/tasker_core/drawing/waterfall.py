"""The waterfall of a task: for each step when it waited for a worker, ran, failed, and waited to be tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WIDTH = 1_000.0
"""The stretch of time that is shown is so many units wide."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a step's life: ``kind`` is waiting, running, failed, backoff or now."""

    kind: str
    x: float
    width: float
    said: str


@dataclass(frozen=True, slots=True)
class Row:
    step: str
    name: str
    state: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Rows of bars, and marks on the axis: (x, text)."""

    rows: Sequence[Row]
    marks: Sequence[tuple[float, str]]


def waterfall(steps: Sequence[Mapping[str, Any]], now: str) -> Waterfall:
    """The waterfall of the views of steps, as it stands at ``now``."""
    until = _seconds(now)
    spans = [_spans(step, until) for step in steps]
    times = [at for each in spans for _, start, end, _ in each for at in (start, end)]
    if not times:
        return Waterfall([Row(s["step_uuid"], s["name"], s["current_state"], ()) for s in steps], ())
    begin, end = min(times), max(times)
    length = max(end - begin, 0.001)
    scale = WIDTH / length
    rows = [
        Row(step["step_uuid"], step["name"], step["current_state"], [
            Bar(kind, round((start - begin) * scale, 2), round(max((stop - start) * scale, 1.5), 2), said)
            for kind, start, stop, said in each
        ])
        for step, each in zip(steps, spans, strict=True)
    ]  # fmt: skip
    return Waterfall(rows, [(round(share * WIDTH), duration(length * share)) for share in (0, 0.25, 0.5, 0.75, 1)])


def _spans(step: Mapping[str, Any], now: float) -> list[tuple[str, float, float, str]]:
    """(kind, start, end, what it is) of each stretch, in order."""
    spans: list[tuple[str, float, float, str]] = []
    free = _seconds(step["created_at"]) if step["created_at"] else None
    for attempt in step["history"]:
        started, ended = _seconds(attempt["started_at"] or attempt["ended_at"]), _seconds(attempt["ended_at"])
        if attempt["ending"] == "by_hand":
            continue
        if free is not None and started > free:
            kind = "backoff" if spans and spans[-1][0] == "failed" else "waiting"
            word = "waited to be tried again" if kind == "backoff" else "waited for a worker"
            spans.append((kind, free, started, f"{word} {duration(started - free)}"))
        kind = "running" if attempt["ending"] in ("ok", "yielded") else "failed"
        said = "ran" if kind == "running" else attempt["ending"].replace("_", " ")
        spans.append((kind, started, ended, f"attempt {attempt['attempt']} {said} {duration(ended - started)}"))
        free = ended
    state = step["current_state"]
    if state == "in_progress" and step["last_attempted_at"]:
        started = _seconds(step["last_attempted_at"])
        if free is not None and started > free:
            spans.append(("backoff" if spans else "waiting", free, started, f"waited {duration(started - free)}"))
        spans.append(("now", started, max(now, started), f"runs since {duration(now - started)}"))
    elif state == "waiting_for_retry" and free is not None and step["next_retry_at"]:
        spans.append(("backoff", free, max(now, free), f"is tried again at {step['next_retry_at'][11:19]}"))
    elif state == "enqueued" and free is not None:
        spans.append(("waiting", free, max(now, free), f"waits for a worker since {duration(now - free)}"))
    return spans


def duration(seconds: float) -> str:
    """A length of time in few characters.

    >>> [duration(s) for s in (0, 0.0042, 0.25, 7.25, 61, 7_300, 200_000)]
    ['0 s', '4 ms', '250 ms', '7.2 s', '1 m 1 s', '2 h 1 m', '2 d 7 h']
    """
    if seconds <= 0:
        return "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1_000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1_000:.1f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
