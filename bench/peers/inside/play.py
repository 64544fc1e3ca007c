"""The workloads, the same for every peer: ``python -m bench.peers.inside.dbos <order>`` prints the figures as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Protocol

from bench.meter import Meter, per_step
from bench.peers.inside.order import Order, end_with_parent, worker
from bench.processes import cpu_seconds, memory_mib

A_CALL = 100
WARM_UP = 20
"""Tasks before A4 is measured; fewer where A4 is short."""
PATIENCE = 240.0

Figures = dict[str, float]


class Peer(Protocol):
    """What each peer can do."""

    calls_in_process: bool
    """Whether ``call`` runs the handlers itself, with no worker beside it."""
    keeps_a_queue: bool
    """Whether tasks can be submitted while no worker runs."""

    def prepare(self) -> None:
        """Make the tables or queues."""

    def submit(self, nos: Sequence[int]) -> None:
        """Create a task for each number, in one call or transaction where the peer has such a thing."""

    def call(self, no: int) -> None:
        """Create one task and return when it is complete, the quickest way that the peer offers."""

    def finished(self) -> int:
        """How many tasks are complete."""

    def work(self) -> None:
        """Serve handlers until told to stop, after saying ``is_ready``."""


def a1(peer: Peer, order: Order) -> Figures:
    """Created beforehand, then executed: first handler to last completion. B and C are played likewise."""
    if not peer.keeps_a_queue:
        return _beside(peer, order, A_CALL)
    _submit(peer, range(order.tasks), A_CALL)
    meter = _meter(order)
    before = meter.read()
    with worker(order) as pid:
        started = cpu_seconds(pid)
        end = _wait(peer, order.tasks)
        after = meter.read(pid, started=started)
    seconds = end - float(order.path("first").read_text())
    return _rates(order, seconds) | per_step(before, after, meter.read(), order.tasks * order.steps)


def a2(peer: Peer, order: Order) -> Figures:
    """Created one call at a time beside a running worker: first create to last completion."""
    return _beside(peer, order, 1)


def a3(peer: Peer, order: Order) -> Figures:
    """Created 100 a call beside a running worker."""
    return _beside(peer, order, A_CALL)


def a4(peer: Peer, order: Order) -> Figures:
    """One by one: from create to complete, in milliseconds."""
    taken = []
    warm_up = min(WARM_UP, order.tasks // 5)
    with nullcontext() if peer.calls_in_process else worker(order):
        for no in range(order.tasks + warm_up):
            began = time.perf_counter()
            peer.call(no)
            taken.append((time.perf_counter() - began) * 1_000)
    taken = sorted(taken[warm_up:])
    return {f"p{q} ms": taken[min(len(taken) - 1, round(len(taken) * q / 100))] for q in (50, 95, 99)}


def d(peer: Peer, order: Order) -> Figures:
    """Nothing to do for as many seconds as the order says tasks, with the settings of A4."""
    with worker(order) as pid:
        peer.submit([0])
        _wait(peer, 1)
        time.sleep(3)
        meter = Meter(servers=order.servers)
        before, began = meter.read(pid), time.monotonic()
        time.sleep(order.tasks)
        after, seconds = meter.read(pid), time.monotonic() - began
        figures = {"worker % of a core": 100 * (after.workers - before.workers) / seconds}
        if order.servers:
            figures["database % of a core"] = 100 * (after.database - before.database) / seconds
        return figures | {"worker MiB": memory_mib(pid)}


def _beside(peer: Peer, order: Order, a_call: int) -> Figures:
    with worker(order):
        peer.submit([order.tasks])  # the worker has seen work before it is measured
        _wait(peer, 1)
        began = time.time()
        _submit(peer, range(order.tasks), a_call)
        submitted = time.time() - began
        end = _wait(peer, order.tasks + 1)
    return _rates(order, end - began) | {"created/s": order.tasks / submitted}


def _submit(peer: Peer, nos: range, a_call: int) -> None:
    for start in range(0, len(nos), a_call):
        peer.submit(nos[start : start + a_call])


def _wait(peer: Peer, tasks: int) -> float:
    deadline = time.monotonic() + PATIENCE
    while (done := peer.finished()) < tasks:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{done} of {tasks} tasks were complete after {PATIENCE:g} s")
        time.sleep(0.05)
    return time.time()


def _rates(order: Order, seconds: float) -> Figures:
    return {"tasks/s": order.tasks / seconds, "steps/s": order.tasks * order.steps / seconds}


def _meter(order: Order) -> Meter:
    return Meter(order.url if order.url.startswith("postgres") else "", order.servers)


WORKLOADS = {"a1": a1, "a2": a2, "a3": a3, "a4": a4, "b": a1, "c": a1, "d": d}


def main(kind: type[Peer]) -> None:
    order = Order.read(sys.argv[1])
    peer = kind(order)  # type: ignore[call-arg]  # a protocol says no __init__
    if order.role == "worker":
        end_with_parent()
        peer.work()
        return
    peer.prepare()
    figures = WORKLOADS[order.workload](peer, order)
    print(json.dumps(figures))
