"""Absurd: a task whose steps are checkpoints in PostgreSQL, through stored procedures. The worker polls."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import Absurd, AsyncAbsurd

from bench.payload import CHECKOUT, RESULT, context
from bench.peers.inside.order import Order, begun, is_ready
from bench.peers.inside.play import main

AT_ONCE = 10
POLL = 0.01
LOOK_AGAIN = 0.002
"""Seconds between the client's looks at a task that it waits for."""


class AbsurdPeer:
    calls_in_process = False
    keeps_a_queue = True

    def __init__(self, order: Order) -> None:
        self.order = order

    def prepare(self) -> None:
        self.connection = psycopg.connect(self.order.url, autocommit=True)
        self.connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)
        self.client = Absurd(self.order.url)
        self.client.create_queue("default")

    def submit(self, nos: Sequence[int]) -> None:
        for no in nos:
            self.client.spawn("checkout", context(no), queue="default")

    def call(self, no: int) -> None:
        task = self.client.spawn("checkout", context(no), queue="default")["task_id"]
        while (seen := self.client.fetch_task_result(task)) is None or seen.state != "completed":
            time.sleep(LOOK_AGAIN)

    def finished(self) -> int:
        counted = self.connection.execute("select count(*) from absurd.t_default where state = 'completed'").fetchone()
        return int(counted[0]) if counted else 0

    def work(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        app = AsyncAbsurd(self.order.url)
        directory, width = self.order.directory, self.order.width

        async def handler() -> dict[str, Any]:
            begun(directory)
            return RESULT

        async def checkout(params: Any, ctx: Any) -> Any:
            given = params
            for name in CHECKOUT:
                given = await ctx.step(name, handler)
            return given

        async def fan(params: Any, ctx: Any) -> Any:
            await ctx.step("first", handler)
            await asyncio.gather(*(ctx.step(f"part_{no}", handler) for no in range(width)))
            return await ctx.step("last", handler)

        app.register_task(name="checkout")(fan if width else checkout)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.stop_worker)
        is_ready(self.order)
        await app.start_worker(concurrency=AT_ONCE, poll_interval=POLL)
        await app.close()


if __name__ == "__main__":
    main(AbsurdPeer)
