"""``context.transaction``: what a handler writes and the end of its step are committed together, or neither is."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any

import pytest

from tasker_core import PermanentError, StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.errors import HandlerDeclarationError
from tasker_core.step_handler import step_handler
from tests.support.ordering import closing_after, connect
from tests.support.reckoning import Reckoning
from tests.support.workshop import Workshop, eventually
from tests.support.workshops import postgres_of_the_suites, store_url, workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]

ONCE = {"max_attempts": 1}
TWICE = {"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1}


class Table:
    """A table of the application in Tasker's database."""

    def __init__(self, url: str) -> None:
        self.name = f"orders_{secrets.token_hex(4)}"
        self._url = url
        self._do(f"create table {self.name} (no integer primary key)")

    def insert(self, connection: Any, no: int) -> None:
        connection.execute(f"insert into {self.name} values ({no})")

    def rows(self) -> list[int]:
        return [no for (no,) in self._do(f"select no from {self.name} order by no")]

    def _do(self, sql: str) -> Sequence[Any]:
        with closing_after(connect(self._url)) as connection:
            cursor = connection.execute(sql)
            rows: Sequence[Any] = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows


@pytest.fixture
def orders(workshop: Workshop) -> Table:
    return Table(workshop.url)


def is_sqlite(workshop: Workshop) -> bool:
    return workshop.url.startswith("sqlite")


def test_the_order_and_the_end_of_its_step_are_there_together(workshop: Workshop, orders: Table) -> None:
    seen: list[Any] = []

    @workshop.handler("write")
    def write(transaction: Any, context: StepContext) -> dict[str, Any]:
        orders.insert(transaction, 1)
        assert context.transaction is transaction
        seen.append((orders.rows() if not is_sqlite(workshop) else [], context.step_name))
        return {"no": 1}

    @workshop.handler("read")
    def read(context: StepContext) -> dict[str, Any]:
        return {"orders": orders.rows(), "was": context.get_dependency_result("write")}

    workshop.template({"write": [], "read": ["write"]})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    assert seen == [([], "write")], "nobody sees the order before its step is settled"
    assert workshop.result(task.task_uuid, "read") == {"orders": [1], "was": {"no": 1}}
    (audit,) = workshop.audit(task.task_uuid, "write")
    assert audit.success and audit.worker_uuid is not None


def test_a_class_asks_its_context(workshop: Workshop, orders: Table) -> None:
    @workshop.handler_class
    class Write(StepHandler):
        handler_name = "write"

        def call(self, context: StepContext) -> StepHandlerResult:
            orders.insert(context.transaction, 7)
            return self.success({})

    workshop.template({"write": []})
    workshop.start()
    assert workshop.run().status == "complete" and orders.rows() == [7]


def test_a_failure_rolls_back_and_ends_as_any_other(workshop: Workshop, orders: Table) -> None:
    @workshop.handler("write")
    def write(transaction: Any, context: StepContext) -> dict[str, Any]:
        orders.insert(transaction, context.attempt)
        if not context.is_retry():
            raise ValueError("not yet")
        return {}

    workshop.template({"write": []}, write={"retry": TWICE})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete" and orders.rows() == [2]
    first, second = workshop.audit(task.task_uuid, "write")
    assert first.result is not None and first.result["error"]["message"] == "not yet"
    assert (first.to_state, second.to_state) == ("waiting_for_retry", "complete")


@pytest.mark.parametrize(
    "end",
    [
        lambda connection: connection.commit(),
        lambda connection: connection.rollback(),
        lambda connection: connection.execute("commit"),
        lambda connection: connection.execute("rollback"),
        lambda connection: (connection.execute("commit"), connection.execute("begin")),
        lambda connection: connection.__exit__(None, None, None),
    ],
    ids=["commit", "rollback", "sql_commit", "sql_rollback", "another", "with"],
)
@pytest.mark.parametrize("swallowed", [False, True], ids=["", "swallowed"])
def test_a_handler_that_ends_the_transaction_by_itself_is_told(
    workshop: Workshop, orders: Table, end: Callable[[Any], object], swallowed: bool
) -> None:
    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        orders.insert(transaction, 1)
        try:
            end(transaction)
        except Exception:
            if not swallowed:
                raise
        return {}

    workshop.template({"write": []}, write={"retry": TWICE})
    workshop.start()
    task = workshop.run()
    if task.status == "complete":
        # The refusal was swallowed, and nothing had been ended.
        assert swallowed and orders.rows() == [1]
        return
    error = workshop.error(task.task_uuid, "write")
    if "not authorized" not in error["message"]:
        assert "committed with the step" in error["message"] and not error["retryable"]
    if is_sqlite(workshop):
        assert orders.rows() == [], "where it can be prevented, nothing is kept"


def test_a_statement_that_failed_and_was_swallowed_commits_nothing(workshop: Workshop, orders: Table) -> None:
    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        orders.insert(transaction, 1)
        with suppress(Exception):
            orders.insert(transaction, 1)
        return {}

    workshop.template({"write": []}, write={"retry": ONCE})
    workshop.start()
    task = workshop.run()
    if is_sqlite(workshop):
        # There a statement fails alone.
        assert task.status == "complete" and orders.rows() == [1]
    else:
        assert "a statement on context.transaction failed" in workshop.error(task.task_uuid, "write")["message"]
        assert orders.rows() == []


def test_a_part_is_undone_by_a_savepoint(workshop: Workshop, orders: Table) -> None:
    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        orders.insert(transaction, 1)
        transaction.execute("savepoint part")
        orders.insert(transaction, 2)
        transaction.execute("rollback to savepoint part")
        orders.insert(transaction, 3)
        return {}

    workshop.template({"write": []})
    workshop.start()
    assert workshop.run().status == "complete" and orders.rows() == [1, 3]


def test_a_time_out_undoes_it(workshop: Workshop, orders: Table) -> None:
    @workshop.handler("write")
    def write(transaction: Any, context: StepContext) -> dict[str, Any]:
        orders.insert(transaction, context.attempt)
        if not context.is_retry():
            eventually(lambda: context.cancelled)
        return {}

    workshop.template({"write": []}, write={"retry": TWICE, "timeout_seconds": 0.3})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete" and orders.rows() == [2]
    first, _ = workshop.audit(task.task_uuid, "write")
    assert first.result is not None and first.result["error"]["error_type"] == "timeout"


def test_a_time_out_ends_a_statement_that_runs(workshop: Workshop, orders: Table) -> None:
    asleep = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000) select count(*) from n"
        if is_sqlite(workshop)
        else "select pg_sleep(60)"
    )

    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        orders.insert(transaction, 1)
        transaction.execute(asleep).fetchall()
        return {}

    workshop.template({"write": []}, write={"retry": ONCE, "timeout_seconds": 0.3})
    workshop.start()
    task = workshop.run()
    assert workshop.error(task.task_uuid, "write")["error_type"] == "timeout"
    assert orders.rows() == []


def test_a_late_commit_of_a_lost_lease_is_refused(workshop: Workshop, orders: Table) -> None:
    """An operator takes the step out of its worker's hands while the handler runs."""
    began = threading.Event()

    @workshop.handler("write")
    def write(context: StepContext) -> dict[str, Any]:
        began.set()
        workshop.gate.wait(20)
        orders.insert(context.transaction, 1)
        return {"late": True}

    workshop.template({"write": []})
    workshop.start()
    task = workshop.create()
    assert began.wait(10)
    step = workshop.steps(task)["write"].step_uuid
    workshop.client.complete_step(task, step, {"by": "hand"}, "it is done")
    workshop.gate.set()
    assert workshop.finish(task).status == "complete"
    assert workshop.result(task, "write") == {"by": "hand"}
    with closing(Reckoning(workshop.url)) as store:
        refused = "select count(*) from tasker.transitions where reason = 'late report refused: the lease was lost'"
        eventually(lambda: store.count(refused) == 1)
    assert orders.rows() == []


def test_what_is_created_on_it_is_there_with_the_step(workshop: Workshop, orders: Table) -> None:
    """One transaction: the order, the task that sends it, and the end of the step."""

    @workshop.handler("write")
    def write(transaction: Any, context: StepContext) -> dict[str, Any]:
        orders.insert(transaction, context.attempt)
        sent = workshop.client.create_task("send", namespace="shop", context={}, connection=transaction)
        if not context.is_retry():
            raise ValueError("not yet")
        return {"sent": sent.task_uuid}

    workshop.handler("send")(lambda: None)
    workshop.template({"write": []}, write={"retry": TWICE})
    workshop.template({"send": []}, name="send")
    workshop.start()
    task = workshop.run()
    assert task.status == "complete" and orders.rows() == [2]
    assert workshop.finish(workshop.result(task.task_uuid, "write")["sent"]).status == "complete"


def test_on_sqlite_a_call_that_would_wait_for_itself_is_refused(workshop: Workshop) -> None:
    if not is_sqlite(workshop):
        pytest.skip("PostgreSQL has many writers")

    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        return {"task": workshop.client.create_task("flow", namespace="shop", context={"more": 1}).task_uuid}

    workshop.template({"write": []}, write={"retry": ONCE})
    workshop.start()
    task = workshop.run()
    assert "give it connection=context.transaction" in workshop.error(task.task_uuid, "write")["message"]


def test_pieces_are_kept_with_their_checkpoints(workshop: Workshop, orders: Table) -> None:
    @workshop.handler_class
    class Write(StepHandler, Batchable):
        handler_name = "write"

        def call(self, context: StepContext) -> StepHandlerResult:
            done = context.checkpoint_items_processed
            orders.insert(context.transaction, done)
            return self.checkpoint_yield(done + 1, done + 1) if done < 3 else self.success({"pieces": done})

    workshop.template({"write": []})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete" and orders.rows() == [0, 1, 2, 3]
    assert workshop.steps(task.task_uuid)["write"].attempts == 1


def test_a_result_that_cant_be_stored_undoes_it(workshop: Workshop, orders: Table) -> None:
    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        orders.insert(transaction, 1)
        return {"it": {1, 2}}

    workshop.template({"write": []}, write={"retry": TWICE})
    workshop.start()
    task = workshop.run()
    assert workshop.error(task.task_uuid, "write")["error_type"] == "serialization_error"
    assert orders.rows() == []


def test_a_result_that_an_enforced_schema_refuses_undoes_it(workshop: Workshop, orders: Table) -> None:
    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        orders.insert(transaction, 1)
        return {"no": "one"}

    schema = {"type": "object", "properties": {"no": {"type": "integer"}}}
    workshop.template({"write": []}, write={"result_schema": schema}, also={"schema_validation": "enforce"})
    workshop.start()
    task = workshop.run()
    assert workshop.error(task.task_uuid, "write")["error_type"] == "validation_error"
    assert orders.rows() == []


def test_what_one_handler_sets_the_next_doesnt_find(workshop: Workshop, orders: Table) -> None:
    if is_sqlite(workshop):
        pytest.skip("there each attempt has a connection of its own")

    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        (path,) = transaction.execute("show search_path").fetchone()
        transaction.execute("set search_path to pg_catalog")
        transaction.row_factory = None
        return {"path": path}

    workshop.template({"write": []})
    workshop.start(concurrency=1)
    paths = {workshop.result(workshop.run(context={"no": no}).task_uuid, "write")["path"] for no in range(3)}
    assert paths == {'"$user", public'}


def test_another_isolation_is_refused(workshop: Workshop, orders: Table) -> None:
    if is_sqlite(workshop):
        pytest.skip("SQLite has one isolation only")

    @workshop.handler("write")
    def write(transaction: Any) -> dict[str, Any]:
        transaction.execute("commit")
        transaction.execute("begin isolation level serializable")
        orders.insert(transaction, 1)
        return {}

    workshop.template({"write": []}, write={"retry": TWICE})
    workshop.start()
    task = workshop.run()
    assert task.status == "blocked_by_failures" and orders.rows() == []


def test_async_handlers_are_refused(workshop: Workshop) -> None:
    with pytest.raises(HandlerDeclarationError, match="make it a plain function"):

        @step_handler("write")
        async def write(transaction: Any) -> None: ...

    @workshop.handler("ask")
    async def ask(context: StepContext) -> None:
        _ = context.transaction

    workshop.template({"ask": []}, ask={"retry": TWICE})
    workshop.start()
    task = workshop.run()
    error = workshop.error(task.task_uuid, "ask")
    assert "for a sync handler" in error["message"] and not error["retryable"]


def test_another_thread_is_refused(workshop: Workshop) -> None:
    @workshop.handler("ask")
    def ask(context: StepContext) -> None:
        failures: list[BaseException] = []

        def look() -> None:
            try:
                _ = context.transaction
            except PermanentError as error:
                failures.append(error)

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        raise failures[0]

    workshop.template({"ask": []}, ask={"retry": ONCE})
    workshop.start()
    assert "in the thread that it is called in" in workshop.error(workshop.run().task_uuid, "ask")["message"]


def test_many_at_once_on_one_table(workshop: Workshop, orders: Table) -> None:
    """Handlers that wait for each other's rows: each step is settled once, with its row."""

    @workshop.handler("write")
    def write(transaction: Any, context: StepContext) -> dict[str, Any]:
        orders.insert(transaction, context.get_input("no"))
        return {}

    workshop.template({"write": []}, write={"retry": {"max_attempts": 20, "backoff": "none", "backoff_base_ms": 1}})
    tasks = [workshop.create(context={"no": no}) for no in range(60)]
    workshop.start(concurrency=8)
    assert {workshop.finish(task).status for task in tasks} == {"complete"}
    assert orders.rows() == list(range(60))
