"""The database's time, asked for over a network that takes its time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tasker_core.engine.database_clock import TRIES, DatabaseClock
from tasker_core.words import Micros

HOUR: Micros = 3_600 * 1_000_000


class Distant:
    """A database an hour ahead. Each answer comes after one of ``delays`` (seconds), the last of them for ever."""

    def __init__(self, delays: Sequence[float]) -> None:
        self._delays = list(delays)
        self.asked = 0

    def now(self) -> Micros:
        self.asked += 1
        now = time.time_ns() // 1_000 + HOUR
        time.sleep(self._delays.pop(0) if len(self._delays) > 1 else self._delays[0])
        return now


def test_the_time_is_the_databases() -> None:
    database = Distant([0.0])
    clock = DatabaseClock(database.now)
    assert abs(clock.offset() - HOUR) < 20_000
    assert database.asked == 1


def test_an_answer_that_took_long_is_asked_for_again() -> None:
    database = Distant([0.0, 0.4, 0.0])
    clock = DatabaseClock(database.now)
    clock.learn()
    assert abs(clock.offset() - HOUR) < 100_000, "half of the long wait would be 200 ms"
    assert database.asked == 3


def test_the_quickest_of_slow_answers_counts() -> None:
    database = Distant([0.3, 0.04, 0.3])
    clock = DatabaseClock(database.now)
    assert abs(clock.offset() - HOUR) < 100_000
    assert database.asked == TRIES
