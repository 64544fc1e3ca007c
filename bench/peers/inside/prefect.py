"""Prefect: decorated flows, their runs recorded by its server on PostgreSQL. It has no queue that a plain worker takes
runs from without a process for each, so ten threads of one process call the flow: the quickest that it can be run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.payload import CHECKOUT, RESULT, context
from bench.peers.inside.order import Order, begun, is_ready, until_told_to_stop
from bench.peers.inside.play import main

AT_ONCE = 10


class Prefect:
    calls_in_process = True
    keeps_a_queue = True

    def __init__(self, order: Order) -> None:
        self.order = order
        os.environ.update(
            PREFECT_API_URL=order.url,
            PREFECT_HOME=f"{order.directory}/prefect",
            PREFECT_LOGGING_LEVEL="CRITICAL",
            PREFECT_LOGGING_TO_API_ENABLED="false",
        )
        self.checkout = _flow(order)

    def prepare(self) -> None:
        """The server made its tables."""

    def submit(self, nos: Sequence[int]) -> None:
        with self.order.path("queue").open("a") as queue:
            queue.writelines(f"{no}\n" for no in nos)

    def call(self, no: int) -> None:
        self.checkout(context(no))

    def finished(self) -> int:
        done = self.order.path("done")
        return len(done.read_text().splitlines()) if done.exists() else 0

    def work(self) -> None:
        threading.Thread(target=self._run_what_comes, daemon=True).start()
        is_ready(self.order)
        until_told_to_stop()

    def _run_what_comes(self) -> None:
        self.order.path("queue").touch()
        with (
            ThreadPoolExecutor(AT_ONCE) as pool,
            self.order.path("queue").open() as queue,
            self.order.path("done").open("a", buffering=1) as done,
        ):
            while True:
                for no in pool.map(self._run, [int(line) for line in queue]):
                    done.write(f"{no}\n")
                time.sleep(0.2)

    def _run(self, no: int) -> int:
        self.call(no)
        return no


def _flow(order: Order) -> Any:
    from prefect import flow, task  # reads its settings when it is imported
    from prefect.cache_policies import NO_CACHE

    def step(name: str) -> Any:
        def run(given: Any) -> dict[str, Any]:
            begun(order.directory)
            return RESULT

        return task(run, name=name, persist_result=True, cache_policy=NO_CACHE)

    steps, first, part, last = [step(name) for name in CHECKOUT], step("first"), step("part"), step("last")

    def checkout(given: Any) -> Any:
        for each in steps:
            given = each(given)
        return given

    def fan(given: Any) -> Any:
        begin = first(given)
        for future in [part.submit(begin) for _ in range(order.width)]:
            future.result()
        return last(begin)

    return flow(fan if order.width else checkout, name="checkout", persist_result=True)


if __name__ == "__main__":
    main(Prefect)
