"""Restate: a server with a journal of its own (RocksDB, a replicated log), which calls the handlers over HTTP/2."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import hypercorn.asyncio
import restate

from bench.payload import CHECKOUT, RESULT, context
from bench.peers.inside.order import Order, begun, is_ready
from bench.peers.inside.play import main

AT_ONCE = 20
"""Calls at a time when many are submitted at once."""
DONE = "select count(*) as done from sys_invocation where target_service_name = 'Checkout' and status = 'completed'"


class Restate:
    calls_in_process = False
    keeps_a_queue = False

    def __init__(self, order: Order) -> None:
        self.order = order
        where = json.loads(order.url)
        self.ingress, self.admin = where["ingress"], where["admin"]

    def prepare(self) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE)
        self.http = httpx.Client(base_url=self.ingress, timeout=60, limits=limits)
        self.asking = httpx.Client(base_url=self.admin, timeout=60)

    def submit(self, nos: Sequence[int]) -> None:
        if len(nos) == 1:
            self._send(nos[0])
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._send, nos))

    def call(self, no: int) -> None:
        self.http.post("/Checkout/run", json=context(no)).raise_for_status()

    def finished(self) -> int:
        answer = self.asking.post("/query", json={"query": DONE}, headers={"accept": "application/json"})
        return int(answer.raise_for_status().json()["rows"][0]["done"])

    def work(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        port = _free_port()
        config = hypercorn.Config()
        config.bind = [f"127.0.0.1:{port}"]
        serving = asyncio.create_task(
            hypercorn.asyncio.serve(restate.app([self._service()]), config, shutdown_trigger=over.wait)
        )
        async with httpx.AsyncClient(base_url=self.admin, timeout=60) as admin:
            for _ in range(100):
                answer = await admin.post("/deployments", json={"uri": f"http://127.0.0.1:{port}", "force": True})
                if answer.is_success:
                    break
                await asyncio.sleep(0.1)
            answer.raise_for_status()
        is_ready(self.order)
        await serving

    def _service(self) -> Any:
        service = restate.Service("Checkout")
        directory, width = self.order.directory, self.order.width

        def handler() -> dict[str, Any]:
            begun(directory)
            return RESULT

        async def checkout(ctx: restate.Context, given: dict[str, Any]) -> dict[str, Any]:
            for name in CHECKOUT:
                given = await ctx.run_typed(name, handler)
            return given

        async def fan(ctx: restate.Context, given: dict[str, Any]) -> dict[str, Any]:
            await ctx.run_typed("first", handler)
            await restate.gather(*(ctx.run_typed(f"part_{no}", handler) for no in range(width)))
            return await ctx.run_typed("last", handler)

        service.handler("run")(fan if width else checkout)
        return service

    def _send(self, no: int) -> None:
        self.http.post("/Checkout/run/send", json=context(no)).raise_for_status()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(Restate)
