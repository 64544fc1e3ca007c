"""Celery with Redis as broker and result store: chains and chords of messages, acknowledged when they are done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from celery import Celery, chain, chord
from celery.signals import worker_ready
from redis import Redis

from bench.payload import CHECKOUT, RESULT, context
from bench.peers.inside.order import Order, begun, is_ready
from bench.peers.inside.play import main

POOL, AT_ONCE = "prefork", 2
"""Processes of the worker: as many as cores."""
LOOK_AGAIN = 0.002


class CeleryPeer:
    calls_in_process = False
    keeps_a_queue = True

    def __init__(self, order: Order) -> None:
        self.order = order
        self.app = Celery("bench", broker=order.url, backend=order.url)
        self.app.conf.update(
            task_acks_late=True,  # a message that a dead worker had comes back
            task_reject_on_worker_lost=True,
            worker_hijack_root_logger=False,
            worker_send_task_events=False,
            broker_connection_retry_on_startup=True,
            broker_transport_options={"visibility_timeout": 3_600},
        )
        self.names = [*CHECKOUT, "first", "part", "last"]
        self.tasks = {name: self.app.task(name=name)(self._handler()) for name in self.names}
        self.waited_for: set[int] = set()
        self.done = 0

    def prepare(self) -> None:
        self.redis = Redis.from_url(self.order.url)

    def submit(self, nos: Sequence[int]) -> None:
        for no in nos:
            self._flow(no).apply_async()
        self.waited_for.update(nos)

    def call(self, no: int) -> None:
        self.submit([no])
        while not self.redis.exists(_key(no)):
            time.sleep(LOOK_AGAIN)

    def finished(self) -> int:
        waited_for = sorted(self.waited_for)
        found = self.redis.mget([_key(no) for no in waited_for]) if waited_for else []
        over = {no for no, result in zip(waited_for, found, strict=True) if result is not None}
        self.waited_for -= over
        self.done += len(over)
        return self.done

    def work(self) -> None:
        worker_ready.connect(lambda **_: is_ready(self.order), weak=False)
        arguments = ["worker", f"--pool={POOL}", f"--concurrency={AT_ONCE}", "--loglevel=ERROR"]
        self.app.worker_main([*arguments, "--without-gossip", "--without-mingle"])

    def _flow(self, no: int) -> Any:
        tasks, given = self.tasks, context(no)
        if self.order.width:
            parts = [tasks["part"].s() for _ in range(self.order.width)]
            return chain(tasks["first"].s(given), chord(parts, tasks["last"].s().set(task_id=f"last-{no}")))
        first, *middle, last = (tasks[name] for name in CHECKOUT)
        return chain(first.s(given), *(each.s() for each in middle), last.s().set(task_id=f"last-{no}"))

    def _handler(self) -> Any:
        directory = self.order.directory

        def run(given: Any) -> dict[str, Any]:
            begun(directory)
            return RESULT

        return run


def _key(no: int) -> str:
    return f"celery-task-meta-last-{no}"


if __name__ == "__main__":
    main(CeleryPeer)
