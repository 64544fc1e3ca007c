"""The long searches: thousands of histories against the rules, and the races again and again, until the time is over.

    make soak                        ten minutes
    python -m tests.soak 60          an hour
    SOAK_MINUTES=60 make soak        the same

First a crowd of 200 clients creates tasks at a server of each database for half a minute, and its figures are printed;
then a million rows of the example csv_batches are counted on each database by workers that are killed, and 50,000 steps
run under limits over two workers, of which one is killed; the axum shop is built and sells; and what workers do is
done by workers over HTTP.
Each round then plays the races and some hundreds of histories in a process of its own, with a seed that is printed:
should a round fail, ``python -m tests.soak --seed N`` plays its histories again. The round under way when the time is
over is played to its end. Then follows what was played in all; the exit code is 1 if any round failed.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
HISTORIES = 400
"""Histories a round: one to three minutes."""
RACES = 3
"""How many times as long as in a test run each race is."""
CROWD = "200 30"
"""How many clients, for how many seconds."""
SALES = "1000000 10 0"
"""How many rows, counted while how many workers are killed, with how many milliseconds of rest."""
LIMITED = "50000"
"""How many steps under limits."""
OVER_HTTP = (
    "batchable", "cancel_everywhere", "errors_hierarchy", "step_handler_classes", "step_handler_functional", "undo",
    "worker_batches", "worker_fairness", "worker_parallel", "worker_retries", "worker_timeouts",
)  # fmt: skip
"""Tests of workers that ask nothing of their worker's own store."""
LONGEST_ROUND = 30 * 60
"""Seconds after which a round hangs."""


def main() -> int:
    given = arguments()
    until = time.monotonic() + 60 * given.minutes
    played: Counter[str] = Counter()
    failed: list[int] = []
    rounds = 0
    first_ones_passed = given.seed is not None or all(
        [serve_a_crowd(played), count_sales(played), limit_many(played), sell_with_axum(), work_over_http()]
    )
    while not rounds or (given.seed is None and time.monotonic() < until):
        rounds += 1
        seed = secrets.randbelow(2**31) if given.seed is None else given.seed
        began = time.monotonic()
        passed, said = play(seed)
        played.update(counts(said))
        print(f"round {rounds}: {'passed' if passed else 'FAILED'}, seed {seed}, {time.monotonic() - began:.0f} s")
        if not passed:
            failed.append(seed)
            print(said)
        sys.stdout.flush()
    print(f"\n{rounds} rounds, {len(failed)} failed; in all")
    for what, count in sorted(played.items()):
        print(f"{count:>12,} {what}")
    for seed in failed:
        print(f"to play again what failed: python -m tests.soak --seed {seed}")
    return 0 if first_ones_passed and not failed else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Search for failures, for a long time.")
    minutes = float(os.environ.get("SOAK_MINUTES", "10"))
    parser.add_argument("minutes", nargs="?", type=float, default=minutes, help="for how long (default %(default)g)")
    parser.add_argument("--seed", type=int, help="play one round only, the one of this seed")
    return parser.parse_args()


def serve_a_crowd(played: Counter[str]) -> bool:
    passed, said = run("tests/doors/server/test_server_load.py", TASKER_TEST_CROWD=CROWD)
    played.update(counts(said))
    print(f"crowd: {'passed' if passed else 'FAILED'}")
    print("\n".join(re.findall(r"^\w+: \d+ clients.*", said, re.MULTILINE)) if passed else said, flush=True)
    return passed


def count_sales(played: Counter[str]) -> bool:
    passed, said = run("tests/examples/test_csv_batches.py", TASKER_TEST_SALES=SALES)
    played["rows of sales"] += sum(int(n.replace(",", "")) for n in re.findall(r"one of ([\d,]+) rows", said))
    print(f"sales: {'passed' if passed else 'FAILED'}")
    print("\n".join(re.findall(r"^.* pieces, .*", said, re.MULTILINE)) if passed else said, flush=True)
    return passed


def limit_many(played: Counter[str]) -> bool:
    passed, said = run("tests/worker/test_limits_processes.py", TASKER_TEST_LIMITED_STEPS=LIMITED)
    played.update(counts(said))
    print(f"limits: {'passed' if passed else 'FAILED'}")
    if not passed:
        print(said, flush=True)
    return passed


def sell_with_axum() -> bool:
    passed, said = run("tests/examples/test_axum_shop.py", TASKER_TEST_AXUM="1")
    print(f"axum shop: {'passed' if passed else 'FAILED'}")
    if not passed:
        print(said, flush=True)
    return passed


def work_over_http() -> bool:
    files = [f"tests/worker/test_{name}.py" for name in OVER_HTTP]
    passed, said = run(*files, TASKER_TEST_WORKERS_OVER_HTTP="1")
    print(f"workers over HTTP: {'passed' if passed else 'FAILED'}")
    if not passed:
        print(said, flush=True)
    return passed


def play(seed: int) -> tuple[bool, str]:
    """One round: whether it passed, and what it said."""
    return run(
        "tests/race/test_races.py", "tests/race/test_model.py", f"--hypothesis-seed={seed}",
        HYPOTHESIS_PROFILE="soak", TASKER_TEST_HISTORIES=str(HISTORIES), TASKER_TEST_RACE_TIMES=str(RACES),
    )  # fmt: skip


def run(*arguments: str, **environment: str) -> tuple[bool, str]:
    """A run of pytest: whether it passed, and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LONGEST_ROUND, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = error.output or ""
        said = said.decode() if isinstance(said, bytes) else said
        return False, f"{said}\nit hung for {LONGEST_ROUND} s"
    return done.returncode == 0, done.stdout


def counts(said: str) -> Counter[str]:
    """What the tests said that they had played.

    >>> counts("..\\nplayed: 3 joins, 2 tasks\\n.")
    Counter({'joins': 3, 'tasks': 2})
    """
    found: Counter[str] = Counter()
    for line in re.findall(r"played: (.*)", said):
        for each in line.split(", "):
            count, what = each.split(" ", 1)
            found[what] += int(count)
    return found


if __name__ == "__main__":
    sys.exit(main())
