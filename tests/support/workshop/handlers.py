"""Handlers for workers in processes of their own. What they are to do stands in the task's context.

``ledger`` is a file in which every call is counted and every effect kept once per idempotency key; ``nap`` is how many
seconds a call takes; ``gate`` is a file that is waited for.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tasker_core import PermanentError, StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.step_handler import Decision, decision_handler, inputs, step_handler


@contextmanager
def ledger(path: str | Path) -> Iterator[sqlite3.Connection]:
    """The ledger at ``path``, in a transaction that is committed at the end of the block."""
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        connection.execute("create table if not exists effects (key text primary key, task text, step text)")
        connection.execute("create table if not exists calls (task text, step text, attempt integer, process integer)")
        yield connection


def _take_note(context: StepContext, *, effect: bool = True) -> None:
    """A call and, once per idempotency key, its effect."""
    task, step = str(context.task_uuid), context.step_name
    with ledger(context.get_input("ledger")) as book:
        if effect:
            book.execute("insert or ignore into effects values (?, ?, ?)", (context.idempotency_key, task, step))
        book.execute("insert into calls values (?, ?, ?, ?)", (task, step, context.attempt, os.getpid()))


@step_handler("note")
@inputs("nap")
def note(nap: float | None, context: StepContext) -> dict[str, Any]:
    """An effect in the world outside: once per idempotency key, however often it is asked for."""
    _take_note(context)
    time.sleep(nap or 0.0)
    return {"step": context.step_name, "after": sorted(context.get_dependency_result_keys())}


@step_handler("enter")
def enter(transaction: Any, context: StepContext) -> dict[str, Any]:
    """An entry beside Tasker's tables that no key protects from a second one."""
    _take_note(context)
    transaction.execute("create table if not exists entries (task text, step text)")
    transaction.execute(f"insert into entries values ('{context.task_uuid}', '{context.step_name}')")
    return {"after": sorted(context.get_dependency_result_keys())}


@step_handler("brief")
def brief() -> dict[str, Any]:
    """Little work."""
    time.sleep(0.003)
    return {}


@step_handler("brief_too")
def brief_too() -> dict[str, Any]:
    """No work."""
    return {}


@decision_handler("route")
def route(context: StepContext) -> Decision:
    """An effect, and the decision to go on with step ``b``."""
    _take_note(context)
    return Decision.route(["b"])


class CutInTwo(StepHandler, Batchable):
    """An effect, and a batch of two pieces."""

    handler_name = "cut_in_two"

    def call(self, context: StepContext) -> StepHandlerResult:
        _take_note(context)
        return self.batch_analyzer_success(self.create_batch_outcome(2, 1), worker_template_name="b")


class NoteAtSecond(StepHandler, Batchable):
    """Yields at a checkpoint, and goes on from there to an effect."""

    handler_name = "note_at_second"

    def call(self, context: StepContext) -> StepHandlerResult:
        _take_note(context, effect=context.has_checkpoint())
        if not context.has_checkpoint():
            return self.checkpoint_yield("half", 1)
        return self.success({"from": context.checkpoint_cursor})


@step_handler("greet")
@inputs("name")
def greet(name: str | None) -> dict[str, Any]:
    return {"greeting": f"hello, {name}"}


@step_handler("refuse")
def refuse() -> None:
    raise PermanentError("the card was declined", error_code="DECLINED")


@step_handler("linger")
@inputs("gate", "ledger")
def linger(gate: str, ledger: str, context: StepContext) -> dict[str, Any]:
    """Come in, and wait for the gate to be opened."""
    with _ledger(ledger) as book:
        book.execute(
            "insert into calls values (?, ?, ?, ?)",
            (str(context.task_uuid), context.step_name, context.attempt, os.getpid()),
        )
    while not Path(gate).exists():
        time.sleep(0.01)
    return {"lingered": True}


@step_handler("nap_async")
@inputs("nap")
async def nap_async(nap: float | None) -> dict[str, Any]:
    await asyncio.sleep(nap or 0.0)
    return {"napped": nap}


@step_handler("await_long")
async def await_long(context: StepContext) -> None:
    """Wait for what never comes; the effect is that the wait was cancelled."""
    _take_note(context, effect=False)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        _take_note(context)
        raise


@step_handler("look_out")
def look_out(context: StepContext) -> None:
    """Work until the task is cancelled; the effect is that it was told."""
    _take_note(context, effect=False)
    while not context.cancelled:
        time.sleep(0.01)
    _take_note(context)


@step_handler("stubborn")
@inputs("gate")
def stubborn(gate: str, context: StepContext) -> dict[str, Any]:
    """Wait for the gate, whatever is said meanwhile, and return; the effect is that it came to its end."""
    _take_note(context, effect=False)
    while not Path(gate).exists():
        time.sleep(0.01)
    _take_note(context)
    return {"too": "late"}


@step_handler("after")
def after(context: StepContext) -> None:
    _take_note(context)


_ledger = ledger
