"""Curves of a few numbers, the size of a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEP, HEIGHT = 6, 44


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch: how high it is, and how much of that went wrong."""

    x: int
    height: float
    bad: float
    total: int
    failed: int


@dataclass(frozen=True, slots=True)
class Curve:
    bars: Sequence[Bar]
    width: int
    height: int
    most: int


def curve(totals: Sequence[int], failed: Sequence[int]) -> Curve:
    """Bars for numbers and for the part of each that failed.

    >>> [bar.height for bar in curve([0, 2, 4], [0, 0, 1]).bars]
    [0.0, 22.0, 44.0]
    """
    most = max(totals, default=0)
    scale = HEIGHT / most if most else 0.0
    bars = [
        Bar(at * STEP, round(total * scale, 1), round(max(bad * scale, 2 if bad else 0), 1), total, bad)
        for at, (total, bad) in enumerate(zip(totals, failed, strict=True))
    ]
    return Curve(bars, len(totals) * STEP, HEIGHT, most)
