"""Write a file of sales, have two workers add it up, kill them with SIGKILL on the way, and compare.

python -m examples.csv_batches --rows 20000 --kills 3
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from examples.csv_batches.crew import Crew
from examples.csv_batches.sales import Sums, write_sales
from tasker_core import TaskerClient
from tasker_core.types import StepResponse

TEMPLATE = Path(__file__).parent / "count_sales.yaml"
PATIENCE = 1_800.0


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="csv-batches-") as place:
        directory = Path(place)
        path = directory / "sales.csv"
        truth = write_sales(path, given.rows)
        print(f"{given.rows:,} sales in {path.stat().st_size:,} bytes")
        url = given.database_url or f"sqlite:///{directory / 'tasker.db'}"
        return _count(url, path, truth, given)


def _count(url: str, path: Path, truth: Sums, given: argparse.Namespace) -> int:
    began = time.monotonic()
    with TaskerClient(database_url=url) as client, Crew(url, path.parent) as crew:
        client.register_template(TEMPLATE)
        context = {"path": str(path), "pace_ms": given.pace_ms}
        task = client.create_task("count_sales", namespace="csv_batches", context=context).task_uuid
        for kill in range(1, given.kills + 1):
            _wait_until_done(client, task, kill / (given.kills + 1))
            print(f"  {crew.kill_one()} gets SIGKILL, and another one takes its place")
        done = client.wait(task, timeout=PATIENCE)
        steps = {step.name: step for step in client.list_task_steps(task)}
        memory = crew.most_memory()
    if done.status != "complete":
        print(f"the task is {done.status}")
        return 1
    return _compare(truth, steps, given, time.monotonic() - began, memory)


def _compare(
    truth: Sums, steps: dict[str, StepResponse], given: argparse.Namespace, seconds: float, memory: int
) -> int:
    results = steps["add_up"].results
    assert results is not None
    found = results["result"]
    endings = [attempt["ending"] for step in steps.values() for attempt in step.history]
    print(
        f"{len(steps) - 2} pieces, {endings.count('yielded')} checkpoints, {endings.count('lost')} attempts lost with "
        f"their workers, {seconds:.1f} s, {memory / 2**20:.0f} MiB at most in a worker"
    )
    if found != {"rows": given.rows, "by_sku": truth}:
        print(f"the sums are wrong: found {found}, not {truth}")
        return 1
    print(f"every one of {given.rows:,} rows was counted once")
    return 0


def _wait_until_done(client: TaskerClient, task: str, part: float) -> None:
    """Until this part of the batch is done; at once when there isn't one yet, once the file has been cut."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        view = client.get_task(task)
        pieces = view.total_steps - 2
        if pieces > 0 and view.completed_steps - 1 >= part * pieces:
            return
        time.sleep(0.01)
    raise TimeoutError(f"the batch of task {task} doesn't get on")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.csv_batches", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="how many sales the file has")
    parser.add_argument("--kills", type=int, default=3, help="how many workers are killed")
    parser.add_argument("--pace-ms", type=float, default=0.0, help="what some rows take longer than they do")
    parser.add_argument("--database-url", help="the store; else a file that is gone afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
