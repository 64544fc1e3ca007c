"""Everything that a client and a worker do with a store, once: for stores of every kind, and roles of few rights."""

from __future__ import annotations

from pathlib import Path

from tasker_core import TaskerClient, Worker
from tasker_core.registry import HandlerRegistry
from tests.support.workshop import flow
from tests.support.workshop.handlers import ledger

GRAPH = {"cart": [], "pay": ["cart"], "ship": ["pay"]}


def use_everything(url: str, book: Path) -> None:
    """A task from its creation to its pruning, and what clients and workers do beside it. ``book`` is a new ledger.

    Leaves this process's worker stopped and its handlers forgotten.
    """
    try:
        with ledger(book):
            pass
        with TaskerClient(database_url=url) as client:
            template = flow(GRAPH)
            for step in template["steps"]:
                step["handler"] = {"callable": "note"}
            client.register_template(template)
            context = {"ledger": str(book)}
            cancelled = client.create_task("flow", namespace="shop", context={**context, "no": 0})
            client.cancel_task(cancelled.task_uuid)
            with Worker.start(["tests.support.workshop.handlers"], database_url=url) as worker:
                task = client.create_task("flow", namespace="shop", context={**context, "no": 1})
                assert client.wait(task.task_uuid, 20).status == "complete"
                engine = worker.service.engine
                engine.beat(worker.service.loop.worker, worker.service.loop.believed())
                engine.sweep()
                engine.explain(task.task_uuid)
                assert len(client.list_task_steps(task.task_uuid)) == len(GRAPH)
                assert client.list_tasks().pagination.total_count == 2
                engine.prune(0)
            assert client.list_tasks().pagination.total_count == 0
    finally:
        Worker.reset_instance()
        HandlerRegistry.reset_instance()
