"""A cancellation reaches what runs, on each database, in this process and in another; late results are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Background, Workshop, eventually
from tests.support.workshop.handlers import ledger
from tests.support.workshops import workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]

HANDLERS = "tests.support.workshop.handlers"
PATIENCE = 20.0
OFTEN = "3"
"""Seconds of a lease: a worker beats five times in it, and hears then that a task was cancelled."""


@pytest.fixture(params=["in this process", "in another process"])
def worker(request: pytest.FixtureRequest, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """The workshop with a worker of these handlers."""
    monkeypatch.setenv("TASKER_LEASE_SECONDS", OFTEN)
    with ExitStack() as end:
        if "this" in request.param:
            workshop.start([HANDLERS])
        else:
            arguments = ("worker", "--handlers", HANDLERS, "--concurrency", "4")
            log = workshop.directory / "worker.log"
            end.enter_context(Background(*arguments, log=log, url=workshop.url, TASKER_LEASE_SECONDS=OFTEN))
        yield workshop


# Seen to fail with a worker that doesn't heed what its beat tells of cancelled leases.
def test_async_handlers_are_cancelled_sync_ones_told_and_late_results_refused(worker: Workshop) -> None:
    book, gate = worker.directory / "ledger.db", worker.directory / "gate"
    with ledger(book):
        pass
    worker.template({"await_long": [], "look_out": [], "stubborn": [], "after": ["stubborn"]})
    task = worker.create(context={"ledger": str(book), "gate": str(gate)})

    def noted(what: str) -> set[str]:
        with ledger(book) as entries:
            return {row[0] for row in entries.execute(f"select step from {what}")}

    eventually(lambda: noted("calls") == {"await_long", "look_out", "stubborn"}, timeout=PATIENCE)
    worker.client.cancel_task(task, "no longer wanted")
    eventually(lambda: noted("effects") == {"await_long", "look_out"}, timeout=PATIENCE)
    gate.touch()
    eventually(lambda: noted("effects") == {"await_long", "look_out", "stubborn"}, timeout=PATIENCE)
    other = worker.create(context={"ledger": str(book), "gate": str(gate), "no": 2})
    eventually(lambda: worker.states(other)["after"] == "complete", timeout=PATIENCE)
    worker.client.cancel_task(other)
    assert set(worker.states(task).values()) == {"cancelled"}, "it works on, and what came late counts for nothing"
    assert {name for name, step in worker.steps(task).items() if step.results is not None} == set()
    assert "after" not in {step for (step,) in of_task(book, task)}


def of_task(book: Path, task: str) -> list[tuple[str]]:
    with ledger(book) as entries:
        return entries.execute("select step from calls where task = ?", (task,)).fetchall()
