"""Each hot statement reaches the tables that grow by an index, and looks at no more rows than its batch explains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from bench import templates
from bench.history import load
from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.staleness import PAGE, Vigilance
from tasker_core.rules.diagnosis import CheckKind
from tasker_core.rules.template import Template
from tasker_core.store import Store, open_database
from tasker_core.store.staleness import TASKS, WALKS
from tests.support.batches import batching, cut
from tests.support.flows import Hands, failed, ok, wish, yielded
from tests.support.meddling import meddle
from tests.support.plans import GROWING, Access, ExplainingPostgres, ExplainingSqlite
from tests.support.postgres_address import Address

FINISHED, READY, BATCH = 20_000, 300, 40
HOT = {
    "lock_tasks", "settle_steps", "record_attempts", "free_children", "rest_tasks", "record_rest", "trouble_tasks",
    "date_queued_steps", "claim_lane", "claimed_steps", "waiting_lanes", "next_due", "due_steps", "enqueue_due",
    "inputs_of_tasks", "results_of_steps", "leases_of", "abandoned_steps",
}  # fmt: skip
BATCHED = {
    "end_instances", "admit_instances", "count_admitted", "free_from_set_aside", "cut_set_aside", "record_held_back",
    "hold_back", "save_checkpoints", "payloads_of_steps",
}  # fmt: skip
STRATEGIES = ("isolate", "fail_fast")
DOCTORS = {"doctor_workers", "doctor_queues", "doctor_lost", "doctor_overdue", "doctor_failed"}
QUEUES = {"steps_ready", "steps_running", "steps_waiting", "steps_failed"}
"""Partial indexes: as long as a queue, not as the history. They may be walked."""
NOT_HOT = {"templates_in_use"}
"""Asked after a registration; tasks are only looked through for contents that were replaced."""
MOST_ROWS = 4 * BATCH


@pytest.fixture(scope="module")
def grown_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('grown') / 'tasker.db'}"
    _grow(url)
    return url


@pytest.fixture(scope="module")
def grown_postgres(postgres_server: Address) -> Iterator[str]:
    with postgres_server.database() as url:
        _grow(url)
        yield url


def _grow(url: str) -> None:
    """A long history, some ready tasks, and a database that knows it."""
    with closing(open_database(url)) as database:
        database.migrate()
        store = Store(database)
        engine = Engine(store)
        engine.catalog.register(Template.from_content(templates.checkout()), replace=True)
        _register_batches(engine)
        load(url, FINISHED)
        wishes = {"namespace": "bench", "name": "bench_checkout"}
        engine.create([wish(engine, idempotency_key=f"ready {no}", **wishes) for no in range(READY)])
        for table in GROWING:
            meddle(store, f"analyze {{{table}}}")


def _register_batches(engine: Engine) -> None:
    for strategy in STRATEGIES:
        template = batching(parallelism=BATCH, failure_strategy=strategy)
        engine.catalog.register(template.model_copy(update={"namespace_name": strategy}), replace=True)


def _play(database: ExplainingPostgres | ExplainingSqlite) -> None:
    """Claim a batch, end its attempts in every way that is common, and do what workers do beside it."""
    clock = ManualClock(time.time_ns() // 1_000)
    engine = Engine(Store(database), clock=clock)
    hands = Hands(engine)
    leases = hands.claim_all(BATCH)
    assert len(leases) == BATCH
    well, badly, released = leases[: BATCH - 10], leases[BATCH - 10 : BATCH - 5], leases[BATCH - 5 :]
    hands.report(*map(ok, well), *map(failed, badly), then=hands.request(BATCH))
    engine.give_back(hands.number, [lease.key for lease in released], "the worker stops")
    engine.beat(hands.number, [])
    engine.store.steps.look(hands.request().lanes)
    clock.advance(60)
    assert engine.enqueue_due(hands.actor) == len(badly)
    engine.sweep()
    stranger = Hands(Engine(engine.store, clock=clock))
    request = stranger.request(BATCH)
    taken = stranger.engine.claim(replace(request, lanes=request.lanes[::-1])).leases
    engine.stop_sweeping()
    assert {lease.step for lease in taken} > {"process_payment"}, "with results that this engine doesn't remember"


def _play_batches(database: ExplainingPostgres | ExplainingSqlite) -> None:
    """Instances of large batches end well and badly, in batches that go on and in one that is halted."""
    engine = Engine(Store(database), clock=ManualClock(time.time_ns() // 1_000))
    hands = Hands(engine)
    for strategy in STRATEGIES:
        engine.create([wish(engine, namespace=strategy, idempotency_key=engine.ids.new(), priority=9)])
        for handler, what in (("analyze", lambda lease: ok(lease, cut(50 * BATCH))), ("process", ok)):
            asked = replace(hands.request(BATCH), lanes=[f"{strategy}/{handler}"])
            hands.report(*map(what, engine.claim(asked).leases))
        waiting, bad, *good = engine.claim(asked).leases
        hands.report(yielded(waiting), failed(bad, retryable=False), *map(ok, good), then=asked)


def _look_at_the_whole_store(database: ExplainingPostgres | ExplainingSqlite) -> None:
    """With something in each plight that the doctor looks for."""
    clock = ManualClock(time.time_ns() // 1_000)
    engine = Engine(Store(database), clock=clock)
    hands = Hands(engine)
    Hands(engine, name="another, which stays")
    retried, blocked, *_ = hands.claim_all(10)
    hands.report(failed(retried), failed(blocked, retryable=False))
    engine.store.workers.end(hands.number)
    clock.advance(60)
    database.accesses.clear()
    found = {check.kind for check in engine.doctor().findings}
    assert found >= {CheckKind.WORKERS, CheckKind.RUNNING, CheckKind.RETRIES, CheckKind.FAILURES}
    assert {access.statement for access in database.accesses} >= DOCTORS
    engine.enqueue_due(hands.actor)
    engine.sweep()
    engine.stop_sweeping()


def _look_for_standstills(database: ExplainingPostgres | ExplainingSqlite) -> None:
    """A slice along each way, with a step that runs and one that waits, and the monitor."""
    clock = ManualClock(time.time_ns() // 1_000)
    engine = Engine(Store(database), clock=clock, vigilance=Vigilance(dry_run=True))
    hands = Hands(engine)
    running, waiting = hands.claim_all(2)
    hands.report(failed(waiting))
    database.accesses.clear()
    for _ in range(len(WALKS) + 1):
        engine.watchman.look()
    assert engine.dead_letters.staleness(50)
    assert {access.statement for access in database.accesses} >= {
        *(walk.statement for walk in (*WALKS, TASKS)), "paces_of_tasks",
    }  # fmt: skip
    engine.give_back(hands.number, [running.key], "the test is over")
    clock.advance(60)
    engine.enqueue_due(hands.actor)


def _complaints(accesses: list[Access], most_rows: int = MOST_ROWS) -> list[str]:
    wrong = []
    for access in accesses:
        if access.statement in NOT_HOT:
            continue
        if not access.by and not access.has_condition:
            wrong.append(f"{access.statement} reads all of {access.table}")
        elif not access.has_condition and access.by not in QUEUES:
            wrong.append(f"{access.statement} walks along {access.by}")
        elif access.rows > most_rows:
            wrong.append(f"{access.statement} looks at {access.rows} rows of {access.table} by {access.by}")
    return sorted(set(wrong))


def _list_what_belongs_together(database: ExplainingPostgres | ExplainingSqlite) -> None:
    engine = Engine(Store(database))
    task = engine.views.tasks({}, 1, 0)["tasks"][0]
    database.accesses.clear()
    chain = {"correlation_id": task["correlation_id"]}
    (found,) = engine.views.tasks({**chain, "namespace": "bench", "created_after": 1}, 10, 0)["tasks"]
    assert found["task_uuid"] == task["task_uuid"]
    assert engine.views.tasks_after(chain, 10, task["task_uuid"])["tasks"] == []
    assert {access.statement for access in database.accesses} >= {
        "list_tasks_of_correlation",
        "count_tasks_of_correlation",
    }


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_finds_what_belongs_together_by_an_index(grown_postgres: str, plans: str) -> None:
    with closing(ExplainingPostgres(grown_postgres, plans)) as database:
        _list_what_belongs_together(database)
    assert _complaints(database.accesses) == []


def test_sqlite_finds_what_belongs_together_by_an_index(grown_sqlite: str) -> None:
    with closing(ExplainingSqlite.from_url(grown_sqlite)) as database:
        assert isinstance(database, ExplainingSqlite)
        database.accesses = []
        _list_what_belongs_together(database)
    assert _complaints(database.accesses) == []


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_looks_for_standstills_in_slices(grown_postgres: str, plans: str) -> None:
    with closing(ExplainingPostgres(grown_postgres, plans)) as database:
        _look_for_standstills(database)
    assert _complaints(database.accesses, most_rows=PAGE) == []


def test_sqlite_looks_for_standstills_in_slices(grown_sqlite: str) -> None:
    with closing(ExplainingSqlite.from_url(grown_sqlite)) as database:
        assert isinstance(database, ExplainingSqlite)
        database.accesses = []
        _look_for_standstills(database)
    assert _complaints(database.accesses) == []


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_goes_by_the_indexes(grown_postgres: str, plans: str) -> None:
    with closing(ExplainingPostgres(grown_postgres, plans)) as database:
        _play(database)
    assert {access.statement for access in database.accesses} >= HOT
    assert _complaints(database.accesses) == []


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_runs_batches_by_the_indexes(grown_postgres: str, plans: str) -> None:
    with closing(ExplainingPostgres(grown_postgres, plans)) as database:
        _play_batches(database)
    assert {access.statement for access in database.accesses} >= BATCHED - {"count_admitted"}
    assert _complaints(database.accesses) == []


def test_postgres_runs_batches_by_the_indexes_though_it_knows_nothing_of_them(postgres_url: str) -> None:
    """A store that nobody has analyzed yet."""
    with closing(open_database(postgres_url)) as fresh:
        fresh.migrate()
        _register_batches(Engine(Store(fresh)))
    with closing(ExplainingPostgres(postgres_url, "force_generic_plan")) as database:
        _play_batches(database)
    assert _complaints([access for access in database.accesses if access.statement in BATCHED]) == []


def test_sqlite_runs_batches_by_the_indexes(grown_sqlite: str) -> None:
    with closing(ExplainingSqlite.from_url(grown_sqlite)) as database:
        assert isinstance(database, ExplainingSqlite)
        database.accesses = []
        _play_batches(database)
    assert {access.statement for access in database.accesses} >= BATCHED - {"count_admitted", "save_checkpoints"}
    assert _complaints(database.accesses) == []


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_counts_what_waits_by_the_queues(grown_postgres: str, plans: str) -> None:
    with closing(ExplainingPostgres(grown_postgres, plans)) as database:
        standing = Store(database).gauges.read()
    assert standing.tasks["steps_in_process"] >= READY
    assert _complaints(database.accesses, most_rows=2 * READY) == []


def test_sqlite_counts_what_waits_by_the_queues(grown_sqlite: str) -> None:
    with closing(ExplainingSqlite.from_url(grown_sqlite)) as database:
        assert isinstance(database, ExplainingSqlite)
        database.accesses = []
        standing = Store(database).gauges.read()
    assert standing.tasks["steps_in_process"] >= READY
    assert _complaints(database.accesses) == []


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_shows_a_doctor_its_queues_not_its_history(grown_postgres: str, plans: str) -> None:
    with closing(ExplainingPostgres(grown_postgres, plans)) as database:
        _look_at_the_whole_store(database)
    assert _complaints(database.accesses, most_rows=2 * READY) == []


def test_sqlite_shows_a_doctor_its_queues_not_its_history(grown_sqlite: str) -> None:
    with closing(ExplainingSqlite.from_url(grown_sqlite)) as database:
        assert isinstance(database, ExplainingSqlite)
        database.accesses = []
        _look_at_the_whole_store(database)
    assert _complaints(database.accesses) == []


def test_sqlite_goes_by_the_indexes(grown_sqlite: str) -> None:
    with closing(ExplainingSqlite.from_url(grown_sqlite)) as database:
        assert isinstance(database, ExplainingSqlite)
        database.accesses = []
        _play(database)
    assert {access.statement for access in database.accesses} >= HOT - {"lock_tasks"}
    assert _complaints(database.accesses) == []
