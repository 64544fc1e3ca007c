"""Instructions of a step: ``perf stat`` where the machine counts them, else valgrind's cachegrind, which plays them.

A process executes checkouts that were created beforehand, once few and once many: the difference is what steps cost,
without the start. What PostgreSQL's server does isn't in it; SQLite, which is a library, is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.asking import beside
from bench.creating import create_in_bulk
from bench.payload import CHECKOUT
from bench.rows import Figures
from bench.stage import HERE, Stage
from tasker_core import Worker

FEW, MANY = 40, 240
PLAY_WITHIN = 300
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
PERF = ["perf", "stat", "-e", "instructions:u"]
COUNTED = (re.compile(r"([\d,.]+)\s+instructions:u"), re.compile(r"I\s+refs:\s+([\d,]+)"))


def instructions(stage: Stage) -> Figures:
    """Thousands of instructions a step, named after what counted them; nothing where nothing can."""
    for name, tool in (("perf", PERF), ("cachegrind", VALGRIND)):
        if shutil.which(tool[0]):
            few, many = _count(tool, stage, FEW), _count(tool, stage, MANY)
            if few and many:
                steps = (MANY - FEW) * len(CHECKOUT)
                return {f"thousand instructions/step ({name})": (many - few) / steps / 1_000}
    return {}


def _count(tool: Sequence[str], stage: Stage, tasks: int) -> int:
    with stage.client() as client:
        create_in_bulk(client, "bench_checkout", tasks)
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}
    command = [*tool, sys.executable, "-m", "bench.instructions", stage.url]
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=PLAY_WITHIN
    )
    if done.returncode != 0:
        return 0
    found = next((match for each in COUNTED if (match := each.search(done.stderr))), None)
    return int(re.sub(r"\D", "", found[1])) if found else 0


def _execute_all(url: str) -> None:
    """Until nothing is left to do; asking rarely, for it is counted too."""
    with beside(url) as ask, Worker.start(["bench.handlers"], database_url=url):
        while ask("done") < ask("created"):
            time.sleep(0.5)


if __name__ == "__main__":
    _execute_all(sys.argv[1])
