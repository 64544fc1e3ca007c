"""Figures that are dear: asked for once by many, believed for as long as they cost, waited for only so long."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasker_core.dashboard.counts import Believed


def test_many_who_ask_at_once_have_it_asked_once() -> None:
    figures: Believed[int] = Believed()
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        time.sleep(0.05)
        return 7

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: figures.get("n", ask), range(8))) == {7}
    assert len(asked) == 1


def test_a_figure_is_asked_for_again_when_it_has_got_old_for_what_it_cost() -> None:
    figures: Believed[int] = Believed()
    numbers = iter(range(10))
    assert figures.get("n", lambda: next(numbers)) == 0
    time.sleep(0.06)
    assert figures.get("n", lambda: next(numbers)) == 1


def test_who_does_not_wait_gets_none_and_the_next_one_the_figure() -> None:
    figures: Believed[int] = Believed()
    go = threading.Event()

    def ask() -> int:
        go.wait(10)
        return 7

    assert figures.soon("n", ask, 0.02) is None
    go.set()
    assert figures.soon("n", ask, 10) == 7
    figures.close()


def test_what_can_not_be_told_is_an_error_and_nothing_is_kept() -> None:
    figures: Believed[int] = Believed()
    with pytest.raises(ZeroDivisionError):
        figures.get("n", lambda: 1 // 0)
    assert figures.get("n", lambda: 2) == 2
