"""Play the rows in turns, round after round: a noisy minute then touches all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.ground import Ground
from bench.rows import Result, Row, digits


def play(rows: Sequence[Row], rounds: int, say: Callable[[str], None]) -> tuple[list[Result], dict[str, str]]:
    """Every row's result, and PostgreSQL's settings as the server told them."""
    results = [Result(row) for row in rows]
    settings: dict[str, str] = {}
    began = time.monotonic()

    def tell(result: Result, when: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {when}  {result.row.key}  {_told(result)}")

    for no in range(rounds):
        turns = ("each round", "once") if no == 0 else ("each round",)
        with Ground() as ground:
            for result in results:
                if result.row.turn in turns:
                    _play(result, ground)
                    tell(result, f"round {no + 1} of {rounds}")
            settings = settings or ground.settings()
    together = [result for result in results if result.row.turn == "together"]
    with ThreadPoolExecutor(len(together) or 1) as pool:
        for result in pool.map(_play_apart, together):
            tell(result, "together")
    return results, settings


def _play_apart(result: Result) -> Result:
    """On ground of its own, so that what it costs its server is its own."""
    with Ground() as ground:
        _play(result, ground)
    return result


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
    return ", ".join(f"{name} {digits(value)}" for name, value in run.items())
