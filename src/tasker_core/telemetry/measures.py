"""Counts and durations of this process: plain numbers, cheap to raise, read only when somebody asks."""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

Labels = tuple[str, ...]

MOST_SERIES = 1_000
"""Series of one measure; what comes beyond is counted under OTHER, so that no label can fill the memory."""
OTHER = "other"
FOLD_AFTER = 512
"""Durations that are kept as they came before they are sorted into their buckets, many at a time."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_lock = threading.Lock()


class Count:
    """A number per combination of labels that only rises. ``name`` is its OpenTelemetry name."""

    kind = "counter"

    def __init__(self, name: str, description: str, labels: Sequence[str] = ()) -> None:
        self.name, self.description, self.labels = name, description, tuple(labels)
        self._values: dict[Labels, int] = {}

    @property
    def published(self) -> str:
        """The name under which Prometheus sees it."""
        return published(self.name)

    def add(self, *labels: str, n: int = 1) -> None:
        """Raise the series of ``labels`` by ``n``."""
        if n:
            with _lock:
                values = self._values
                if labels not in values and len(values) >= MOST_SERIES:
                    labels = (OTHER,) * len(labels)
                values[labels] = values.get(labels, 0) + n

    def read(self) -> Mapping[Labels, int]:
        with _lock:
            return dict(self._values)

    def clear(self) -> None:
        self._values = {}


class Spread(NamedTuple):
    """Durations: how many were at most as long as each bound, how many there were in all, and their sum in seconds."""

    within: Sequence[int]
    total: int
    seconds: float


class Timings:
    """One series of durations. Several threads may note at a time."""

    __slots__ = ("_bounds", "_counts", "_noted", "_seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._seconds = 0.0
        self._noted: list[float] = []

    def note(self, seconds: float) -> None:
        """Something took ``seconds``."""
        self._noted.append(seconds)
        if len(self._noted) >= FOLD_AFTER:
            self._fold()

    def read(self) -> Spread:
        self._fold()
        with _lock:
            within = list(accumulate(self._counts))
            return Spread(within[:-1], within[-1], self._seconds)

    def _fold(self) -> None:
        with _lock:
            # What other threads append meanwhile stands behind these and stays.
            noted = self._noted[:]
            del self._noted[: len(noted)]
            noted.sort()
            before = 0
            for n, bound in enumerate(self._bounds):
                after = bisect_right(noted, bound, before)
                self._counts[n] += after - before
                before = after
            self._counts[-1] += len(noted) - before
            self._seconds += sum(noted)

    def clear(self) -> None:
        self._noted, self._counts, self._seconds = [], [0] * len(self._counts), 0.0


class Durations:
    """A histogram of seconds per combination of labels. ``bounds`` are the upper bounds of its buckets."""

    kind = "histogram"

    def __init__(self, name: str, description: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        self.name, self.description, self.labels, self.bounds = name, description, tuple(labels), tuple(bounds)
        self._series: dict[Labels, Timings] = {}

    @property
    def published(self) -> str:
        """The name under which Prometheus sees it, the unit at its end."""
        return published(self.name) + "_seconds"

    def of(self, *labels: str) -> Timings:
        """The series of ``labels``; who notes often keeps it."""
        series = self._series.get(labels)
        if series is None:
            with _lock:
                if len(self._series) >= MOST_SERIES:
                    labels = (OTHER,) * len(labels)
                series = self._series.setdefault(labels, Timings(self.bounds))
        return series

    def read(self) -> Mapping[Labels, Spread]:
        with _lock:
            series = dict(self._series)
        return {labels: timings.read() for labels, timings in series.items()}

    def clear(self) -> None:
        for timings in self._series.values():
            timings.clear()


class Figure(NamedTuple):
    """A number that is worked out when it is asked for."""

    name: str
    description: str
    labels: Labels = ()
    kind: str = "gauge"

    @property
    def published(self) -> str:
        """The name under which Prometheus sees it."""
        return published(self.name)


def published(name: str) -> str:
    """A metric's name as Prometheus writes it.

    >>> published("tasker.steps.executions.total")
    'tasker_steps_executions_total'
    """
    return name.replace(".", "_")


def error_label(error_type: str) -> str:
    """An error's type as a label, OTHER for one that isn't a name: a handler may have put anything there.

    >>> error_label("card_declined"), error_label("declined: 4111 1111 1111 1111")
    ('card_declined', 'other')
    """
    return error_type if _NAME.fullmatch(error_type) else OTHER


def begin_anew() -> None:
    """For a forked child: another thread of its parent, which doesn't run here, may have held the lock."""
    global _lock
    _lock = threading.Lock()
