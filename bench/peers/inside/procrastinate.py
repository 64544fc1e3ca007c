"""Procrastinate: jobs in PostgreSQL, with LISTEN. It has no workflows: each job's handler defers the next job."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from bench.payload import CHECKOUT, RESULT, context
from bench.peers.inside.order import Order, begun, is_ready
from bench.peers.inside.play import main

AT_ONCE = 10
POLL = 0.01
"""Seconds. Its worker misses a notice now and then, and would by itself look again after five seconds."""
LOOK_AGAIN = 0.002
"""Seconds between the client's looks at a job that it waits for."""
DONE = "select count(*) as done from procrastinate_jobs where task_name = %(name)s and status = 'succeeded'"


class Procrastinate:
    calls_in_process = False
    keeps_a_queue = True

    def __init__(self, order: Order) -> None:
        self.order = order
        is_worker = order.role == "worker"
        connector = PsycopgConnector if is_worker else SyncPsycopgConnector
        self.app = App(connector=connector(conninfo=order.url))
        self.tasks = [self._task(no, name) for no, name in enumerate(CHECKOUT)]

    def prepare(self) -> None:
        self.app.open()
        self.app.schema_manager.apply_schema()

    def submit(self, nos: Sequence[int]) -> None:
        if len(nos) == 1:
            self.tasks[0].defer(no=nos[0], given=context(nos[0]))
        else:
            self.tasks[0].batch_defer(*({"no": no, "given": context(no)} for no in nos))

    def call(self, no: int) -> None:
        done = self.finished()
        self.submit([no])
        while self.finished() == done:
            time.sleep(LOOK_AGAIN)

    def finished(self) -> int:
        rows = self.app.connector.get_sync_connector().execute_query_all(DONE, name=CHECKOUT[-1])
        return int(next(iter(rows))["done"])

    def work(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        async with self.app.open_async():
            is_ready(self.order)
            await self.app.run_worker_async(concurrency=AT_ONCE, listen_notify=True, fetch_job_polling_interval=POLL)

    def _task(self, no: int, name: str) -> Any:
        async def run(no: int, given: Any) -> None:
            begun(self.order.directory)
            if following:
                await self.tasks[position + 1].defer_async(no=no, given=RESULT)

        position, following = no, no + 1 < len(CHECKOUT)
        return self.app.task(name=name)(run)


if __name__ == "__main__":
    main(Procrastinate)
