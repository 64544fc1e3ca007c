"""DBOS: a decorated workflow; each step's result is a row. Queued for A1 to A3, called in process for A4."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import sqlalchemy
from dbos import DBOS, DBOSClient

from bench.payload import CHECKOUT, RESULT, context
from bench.peers.inside.order import Order, begun, is_ready, until_told_to_stop
from bench.peers.inside.play import main

QUEUE = "bench"
AT_ONCE = 10
"""Workflows at a time. Without a bound, and with 50, it was slower here."""
POLL = 0.01

IS_DONE = "status = 'SUCCESS'"


class Dbos:
    calls_in_process = True
    keeps_a_queue = True

    def __init__(self, order: Order) -> None:
        self.order = order
        self.is_sqlite = order.url.startswith("sqlite")
        config = {"name": "bench", "system_database_url": order.url, "log_level": "ERROR"}
        DBOS(config={**config, "application_version": "1", "executor_id": order.role})
        self.checkout = self._workflow()

    def prepare(self) -> None:
        if self.order.workload == "a4":
            DBOS.launch()
            return
        self.client = DBOSClient(system_database_url=self.order.url)
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL)
        DBOS.destroy()
        url = self.order.url.replace("postgresql://", "postgresql+psycopg://")
        self.engine = sqlalchemy.create_engine(url)

    def submit(self, nos: Sequence[int]) -> None:
        wanted: Any = {"workflow_name": "checkout", "queue_name": QUEUE}
        if len(nos) == 1 or self.is_sqlite:
            for no in nos:
                self.client.enqueue(wanted, context(no))
        else:
            with self.engine.begin() as connection:
                for no in nos:
                    self.client.enqueue_in_transaction(connection, wanted, context(no))

    def call(self, no: int) -> None:
        self.checkout(context(no))

    def finished(self) -> int:
        if self.is_sqlite:
            with closing(sqlite3.connect(self.order.url.removeprefix("sqlite:///"), timeout=30)) as lite:
                return int(lite.execute(f"select count(*) from workflow_status where {IS_DONE}").fetchone()[0])
        with self.engine.connect() as connection:
            counted = sqlalchemy.text(f"select count(*) from dbos.workflow_status where {IS_DONE}")
            return int(connection.execute(counted).scalar_one())

    def work(self) -> None:
        DBOS.launch()
        is_ready(self.order)
        until_told_to_stop()
        DBOS.destroy(workflow_completion_timeout_sec=0)

    def _workflow(self) -> Callable[[Any], Any]:
        directory, width = self.order.directory, self.order.width

        def step(name: str) -> Callable[[Any], Any]:
            @DBOS.step(name=name)
            def run(given: Any) -> dict[str, Any]:
                begun(directory)
                return RESULT

            return run

        def side_step() -> Callable[[Any], Any]:
            @DBOS.step(name="part")
            async def run(given: Any) -> dict[str, Any]:
                return RESULT

            return run

        if width:
            first, part, last = step("first"), side_step(), step("last")

            @DBOS.workflow(name="checkout")
            async def fan(given: Any) -> Any:
                begin = await asyncio.to_thread(first, given)
                await asyncio.gather(*(part(begin) for _ in range(width)))
                return await asyncio.to_thread(last, begin)

            return fan
        steps = [step(name) for name in CHECKOUT]

        @DBOS.workflow(name="checkout")
        def checkout(given: Any) -> Any:
            for each in steps:
                given = each(given)
            return given

        return checkout


if __name__ == "__main__":
    main(Dbos)
