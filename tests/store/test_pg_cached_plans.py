"""Plans that a connection made while the tables were tiny must still do when they have grown."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import psycopg

from tasker_core.engine import Engine
from tasker_core.store import Store, open_database
from tasker_core.words import Lease
from tests.support.flows import Hands, flow, ok, wish

GRAPH = {"cart": [], "pay": ["cart"], "pack": ["pay"], "ship": ["pack"], "thank": ["ship"]}
SMALL, MANY, BATCH = 20, 2_000, 100
GROWING = ("tasks", "steps", "attempts", "dependencies", "transitions", "task_payloads")
MOST_ROWS_A_STEP = 80
"""Rows of all these tables that are looked at for a step; 40 with the planner settings of a connection, 370 without."""


def test_a_session_that_began_with_empty_tables_keeps_its_pace(postgres_url: str) -> None:
    with closing(open_database(f"{postgres_url}?tasker_pool=1")) as database:
        database.migrate()
        with psycopg.connect(postgres_url, autocommit=True) as beside:
            # Autovacuum would tell the planner in time, or too late: here it never does.
            for table in GROWING:
                beside.execute(f"alter table tasker.{table} set (autovacuum_enabled = false)".encode())
            engine = Engine(Store(database))
            engine.catalog.register(flow(GRAPH), replace=True)
            hands = Hands(engine)
            _create(engine, "small", SMALL)
            assert _work(hands, room=1) == SMALL * len(GRAPH), "often enough for every plan to be settled"
            for table in GROWING:
                beside.execute(f"analyze tasker.{table}".encode())
            for no in range(MANY // 500):
                _create(engine, f"many {no}", 500)
            before = _rows_looked_at(postgres_url)
            assert _work(hands, room=BATCH) == MANY * len(GRAPH)
    after = _rows_looked_at(postgres_url)
    looked_at = {table: after[table] - before[table] for table in GROWING}
    assert sum(looked_at.values()) <= MOST_ROWS_A_STEP * MANY * len(GRAPH), looked_at


def _create(engine: Engine, what: str, tasks: int) -> None:
    engine.create([wish(engine, idempotency_key=f"{what} {no}") for no in range(tasks)])


def _work(hands: Hands, room: int) -> int:
    """Settle whatever is ready, until nothing is; how many steps that were."""
    request, steps = hands.request(room), 0
    leases: list[Lease] = hands.claim_all(room)
    while leases:
        steps += len(leases)
        leases = list(hands.report(*map(ok, leases), then=request).leases) or hands.claim_all(room)
    return steps


def _rows_looked_at(url: str) -> Mapping[str, int]:
    """What PostgreSQL counted for each table, once the sessions before have told it."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables "
            "where schemaname = 'tasker'"
        )
        return {name: int(count) for name, count in rows}
