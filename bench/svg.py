"""A chart of horizontal bars as SVG, readable on light and dark paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.rows import digits

WIDTH, LABEL, VALUE, BAR, GAP, TOP = 1_060, 570, 80, 20, 10, 50
OURS, THEIRS, INK = "#2a7de1", "#9aa5b1", "#6b7280"
STYLE = "font-family:system-ui,sans-serif;font-size:13px"


@dataclass(frozen=True, slots=True)
class Bar:
    """A median with the lowest and the highest; ``ours`` stands out."""

    name: str
    median: float
    lowest: float
    highest: float
    ours: bool


def bars(title: str, shown: Sequence[Bar], *, logarithmic: bool = False) -> str:
    """The chart's text. A logarithmic scale says so in its title."""
    height = TOP + len(shown) * (BAR + GAP) + GAP
    room = WIDTH - LABEL - VALUE
    scale = _Scale(shown, room, logarithmic=logarithmic)
    heading = f"{title}{' (logarithmic scale)' if logarithmic else ''}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" style="{STYLE}">',
        f"<title>{escape(heading)}</title>",
        f'<text x="0" y="24" fill="{INK}" font-size="16" font-weight="600">{escape(heading)}</text>',
    ]
    for no, bar in enumerate(shown):
        y = TOP + no * (BAR + GAP)
        middle = y + BAR / 2
        length = scale(bar.median)
        beyond = max(LABEL + length, LABEL + scale(bar.highest)) + 6
        ends = LABEL + scale(bar.lowest), LABEL + scale(bar.highest)
        lines += [
            f'<text x="{LABEL - 8}" y="{middle + 4:.1f}" text-anchor="end" fill="{INK}">{escape(bar.name)}</text>',
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{OURS if bar.ours else THEIRS}"/>',
            f'<path d="M{ends[0]:.1f} {middle}H{ends[1]:.1f}" stroke="{INK}" stroke-width="2"/>',
            f'<text x="{beyond:.1f}" y="{middle + 4:.1f}" fill="{INK}">{digits(bar.median)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


class _Scale:
    def __init__(self, shown: Sequence[Bar], room: int, *, logarithmic: bool) -> None:
        self.room, self.logarithmic = room, logarithmic
        self.most = max((bar.highest for bar in shown), default=1.0) or 1.0
        positive = [bar.lowest for bar in shown if bar.lowest > 0]
        self.least = 10 ** math.floor(math.log10(min(positive, default=1.0)))

    def __call__(self, value: float) -> float:
        if not self.logarithmic:
            return self.room * value / self.most
        if value <= self.least:
            return 1.0
        whole = math.log10(self.most / self.least) or 1.0
        return max(1.0, self.room * math.log10(value / self.least) / whole)
