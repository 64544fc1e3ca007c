"""The budgets of round trips and commits: counts, never times, so that a test can hold them on any machine."""

from __future__ import annotations

from contextlib import closing

from bench import templates
from bench.counting import counted
from bench.creating import create_in_bulk, request
from bench.payload import CHECKOUT
from bench.stage import Stage
from bench.wire import Wire
from tasker_core import TaskerClient, Worker
from tasker_core.engine import Engine
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.rules.template import Template
from tasker_core.store import Store, open_database
from tests.support.flows import Hands, ok, wish

STEPS = len(CHECKOUT)
ONE_BY_ONE, AT_ONCE = 20, 200
MOST_COMMITS_UNDER_LOAD = 0.2
BY_TIME = 10
"""Transactions that come with time, not with steps: heartbeats, the sweeper's turn, a claim that finds nothing."""


def test_an_unloaded_step_is_one_transaction_which_also_claims_the_next(stage: Stage) -> None:
    with stage.client() as client, Worker.start(["bench.handlers"], database_url=stage.url) as worker:
        client.wait(client.create_task(**request("bench_checkout", -1)).task_uuid, 60)
        with counted(worker.service.engine.store.database) as seen:
            for no in range(ONE_BY_ONE):
                client.wait(client.create_task(**request("bench_checkout", no)).task_uuid, 60)
    settling = [names for names in seen.writes if "settle_steps" in names]
    assert len(settling) == ONE_BY_ONE * STEPS
    assert sum("claim_lane" in names for names in settling) >= ONE_BY_ONE * (STEPS - 1)
    others = [names for names in seen.writes if "settle_steps" not in names and "insert_tasks" not in names]
    assert len(others) <= ONE_BY_ONE * STEPS / 10 + BY_TIME, others


def test_under_load_steps_share_commits(stage: Stage) -> None:
    with stage.client() as client:
        create_in_bulk(client, "bench_checkout", AT_ONCE)
        engine = open_engine(stage.url)
        with counted(engine.store.database) as seen, Worker.start(["bench.handlers"], database_url=stage.url):
            stage.wait_until_all_are_done(60)
        close_engine(engine)
    assert 0 < len(seen.writes) - BY_TIME <= MOST_COMMITS_UNDER_LOAD * AT_ONCE * STEPS


def test_each_verb_of_the_hot_path_is_one_round_trip_on_the_wire(postgres_url: str) -> None:
    # One connection: a pool opens a second in passing when the first is slow to come, and that would be counted.
    with Wire(postgres_url) as wire, closing(open_database(f"{wire.url}?tasker_pool=1")) as database:
        database.migrate()
        engine = Engine(Store(database))
        engine.catalog.register(Template.from_content(templates.checkout()), replace=True)
        hands = Hands(engine)
        wishes = {"namespace": templates.NAMESPACE, "name": "bench_checkout", "context": {"cart": []}}

        def sent() -> int:
            now = wire.counted.round_trips
            taken, sent.before = now - sent.before, now  # type: ignore[attr-defined]  # kept on itself
            return int(taken)

        sent.before = 0  # type: ignore[attr-defined]  # kept on itself
        for no in range(3):
            create = wish(engine, idempotency_key=f"order {no}", **wishes)
            request = hands.request()
            sent()
            engine.create([create])
            if no:  # the first of each may prepare statements, which psycopg does in passing
                assert sent() == 1
            leases = hands.claim_all()
            sent()
            reply = hands.report(*map(ok, leases), then=request)
            if no:
                assert sent() == 1
            assert [lease.step for lease in reply.leases] == [CHECKOUT[1]]
            while reply.leases:
                reply = hands.report(*map(ok, reply.leases), then=request)
        with TaskerClient(database_url=wire.url) as client:
            assert client.list_tasks(status="complete").pagination.total_count == 3
