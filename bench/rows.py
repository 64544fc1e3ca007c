"""One row of the results: who did which work, how it was submitted, and the figures of each run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bench.ground import Ground

Figures = dict[str, float]
Run = Callable[[Ground], Figures]
Turn = Literal["each round", "once", "together"]
"""When a row is played: in each round, in the first one, or at the end at the same time as all that only wait."""


@dataclass(frozen=True, slots=True)
class Row:
    """``submitted`` says how the tasks came in: figures of rows that differ there aren't to be compared."""

    system: str
    database: str
    workload: str
    submitted: str
    run: Run = field(compare=False)
    size: int = 0
    workers: int = 1
    note: str = ""
    turn: Turn = "each round"

    @property
    def key(self) -> str:
        several = f" x{self.workers}" if self.workers > 1 else ""
        return f"{self.system}/{self.database}/{self.workload}{several}"


@dataclass(slots=True)
class Result:
    """A row with what came of it: a run that failed leaves its reason instead of figures."""

    row: Row
    runs: list[Figures | None] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def values(self, figure: str) -> list[float]:
        return [run[figure] for run in self.runs if run and figure in run]

    @property
    def figures(self) -> list[str]:
        return list(dict.fromkeys(name for run in self.runs if run for name in run))


def digits(value: float) -> str:
    """A figure with three or four digits that mean something."""
    size = abs(value)
    after = 0 if size >= 1_000 else 1 if size >= 100 else 2 if size >= 1 else 3
    return f"{value:,.{after}f}"
