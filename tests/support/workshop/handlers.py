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

from tasker_core import PermanentError, StepContext
from tasker_core.step_handler import Decision, decision_handler, inputs, step_handler


@contextmanager
def ledger(path: str | Path) -> Iterator[sqlite3.Connection]:
    """The ledger at ``path``, in a transaction that is committed at the end of the block."""
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        connection.execute("create table if not exists effects (key text primary key, task text, step text)")
        connection.execute("create table if not exists calls (task text, step text, attempt integer, process integer)")
        yield connection


@step_handler("note")
@inputs("ledger", "nap")
def note(ledger: str, nap: float | None, context: StepContext) -> dict[str, Any]:
    """An effect in the world outside: once per idempotency key, however often it is asked for."""
    task, step = str(context.task_uuid), context.step_name
    with _ledger(ledger) as book:
        book.execute("insert or ignore into effects values (?, ?, ?)", (context.idempotency_key, task, step))
        book.execute("insert into calls values (?, ?, ?, ?)", (task, step, context.attempt, os.getpid()))
    time.sleep(nap or 0.0)
    return {"step": step, "after": sorted(context.get_dependency_result_keys())}


@decision_handler("route")
@inputs("ledger")
def route(ledger: str, context: StepContext) -> Decision:
    """An effect, and the decision to go on with step ``b``."""
    with _ledger(ledger) as book:
        task, step = str(context.task_uuid), context.step_name
        book.execute("insert or ignore into effects values (?, ?, ?)", (context.idempotency_key, task, step))
        book.execute("insert into calls values (?, ?, ?, ?)", (task, step, context.attempt, os.getpid()))
    return Decision.route(["b"])


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


_ledger = ledger
