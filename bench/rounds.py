"""Play the rows in turns, round after round: a noisy minute then touches all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bench.ground import Ground
from bench.rows import Result, Row


def play(rows: Sequence[Row], rounds: int, say: Callable[[str], None]) -> tuple[list[Result], dict[str, str]]:
    """Every row's result, and PostgreSQL's settings as the server told them."""
    results = [Result(row) for row in rows]
    settings: dict[str, str] = {}
    began = time.monotonic()
    for no in range(rounds):
        with Ground() as ground:
            for result in results:
                if result.row.rounds and no >= result.row.rounds:
                    continue
                _play(result, ground)
                at = time.monotonic() - began
                say(f"{at:5.0f} s  round {no + 1} of {rounds}  {result.row.key}  {_told(result)}")
            settings = settings or ground.settings()
    return results, settings


def _play(result: Result, ground: Ground) -> None:
    try:
        result.runs.append(result.row.run(ground))
    except Exception as error:
        result.runs.append(None)
        result.failures.append(f"{type(error).__name__}: {error}")


def _told(result: Result) -> str:
    run = result.runs[-1]
    if run is None:
        return f"FAILED: {result.failures[-1]}"
    return ", ".join(f"{name} {value:,.1f}" for name, value in run.items())
