"""Counts and durations: exact however many threads raise them, and bounded whatever labels they are given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from tasker_core.telemetry import measures, metrics
from tasker_core.telemetry.measures import Count, Durations, Spread, Timings


def at_once(run: Callable[[], None], threads: int = 8) -> None:
    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def test_a_duration_counts_in_every_bucket_that_it_fits_into() -> None:
    timings = Timings((0.1, 1.0, 10.0))
    for seconds in (0.05, 0.1, 0.5, 1.0, 1.1, 10.0, 11.0, 600.0):
        timings.note(seconds)
    assert timings.read()[:2] == ([2, 4, 6], 8) and timings.read().seconds == pytest.approx(623.75)
    timings.note(0.0)
    assert timings.read().within == [3, 5, 7]


def test_no_duration_is_lost_between_threads() -> None:
    timings = Timings((0.5,))

    def note() -> None:
        for _ in range(3_000):
            timings.note(0.25)

    at_once(note)
    assert timings.read() == Spread([24_000], 24_000, 6_000.0)


def test_no_count_is_lost_between_threads() -> None:
    count = Count("a.b", "It.", ("of",))

    def add() -> None:
        for _ in range(3_000):
            count.add("x")

    at_once(add)
    count.add("y", n=0)
    assert count.read() == {("x",): 24_000}


def test_labels_cant_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "MOST_SERIES", 3)
    count, durations = Count("a", "It.", ("of", "by")), Durations("b", "It.", (1.0,), ("of",))
    for no in range(10):
        count.add(str(no), "x")
        durations.of(str(no)).note(0.5)
    assert sum(count.read().values()) == 10 and count.read()["other", "other"] == 7
    assert sum(spread.total for spread in durations.read().values()) == 10
    assert durations.read()["other",].total == 7


def test_a_forked_child_begins_at_zero() -> None:
    metrics.STEPS_CLAIMED.add("shop", "forked", n=5)
    kept = metrics.STEP_DURATION.of("shop", "forked", "ok")
    kept.note(0.5)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        kept.note(0.25)
        told = metrics.STEPS_CLAIMED.read(), metrics.STEP_DURATION.read()["shop", "forked", "ok"].total
        os.write(write, repr(told).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10_000).decode() == "({}, 1)"
    os.close(read)
    os.close(write)
    assert metrics.STEPS_CLAIMED.read()["shop", "forked"] >= 5
