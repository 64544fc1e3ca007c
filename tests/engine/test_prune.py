"""Pruning: finished tasks that are old go without a trace, whatever else is going on; nothing else is touched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine, Pruned
from tasker_core.engine.open import open_engine
from tasker_core.engine.prune import Pruner
from tasker_core.engine.sweep import Sweeper
from tasker_core.errors import InvalidRequestError, TaskNotFoundError
from tasker_core.settings.ages import age
from tasker_core.store import open_database
from tasker_core.store.history import PAGE
from tasker_core.words import Word
from tests.support.batches import batching, cut
from tests.support.flows import Hands, failed, flow, ok, wish
from tests.support.graphs import tables
from tests.support.meddling import meddle

DAY = 86_400.0
MONTH = age("30d", "--older-than")
GRAPH = {"check": [], "pay": ["check"], "ship": ["pay"]}


@pytest.fixture(autouse=True)
def templates(engine: Engine) -> None:
    engine.catalog.register(flow(GRAPH, concurrency={"key": "of"}), replace=False)
    engine.catalog.register(flow(GRAPH, namespace="returns"), replace=False)
    engine.catalog.register(batching().model_copy(update={"version": "2.0.0"}), replace=False)


def create(engine: Engine, count: int = 1, **wishes: Any) -> list[str]:
    requests = [wish(engine, context={"of": engine.ids.new()}, **wishes) for _ in range(count)]
    return [created.task for created in engine.create(requests)]


def finish(hands: Hands, count: int = 1, **wishes: Any) -> list[str]:
    tasks = create(hands.engine, count, **wishes)
    hands.play()
    return tasks


def traces(engine: Engine, tasks: Sequence[str], numbers: Mapping[str, int]) -> dict[str, int]:
    """Rows that any table holds of these tasks, whatever tables there are."""
    found: dict[str, int] = {}
    named = ", ".join(str(numbers[task]) for task in tasks)
    for table in every_table_of_tasks(engine):
        ((count,),) = meddle(engine.store, f"select count(*) from {{{table}}} where task_id in ({named})")
        found[table] = count
    ((found["tasks"],),) = meddle(engine.store, f"select count(*) from {{tasks}} where id in ({named})")
    return found


def every_table_of_tasks(engine: Engine) -> list[str]:
    """The tables with a column ``task_id``, so that one which a later release adds is looked at too."""
    if engine.store.database.dialect == "lite":
        asked = (
            "select m.name from sqlite_master m join pragma_table_info(m.name) c on c.name = 'task_id' "
            "where m.type = 'table'"
        )
        return [name.removeprefix("tasker_") for (name,) in meddle(engine.store, asked)]
    schema = getattr(engine.store.database, "schema")  # noqa: B009
    asked = (
        f"select table_name from information_schema.columns where table_schema = '{schema}' and column_name = 'task_id'"
    )
    return [name for (name,) in meddle(engine.store, asked)]


def kept(engine: Engine, tasks: Sequence[str]) -> list[str]:
    return [task for task in tasks if task in engine.store.tasks.numbers(tasks)]


def test_nothing_of_a_dropped_task_is_left_and_the_others_are_untouched(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    (young,) = create(engine)
    hands.play()
    before = tables(engine.store)
    clock.advance(-40 * DAY)
    old = finish(hands, 3)
    (late,) = create(engine)
    late_lease = hands.claim()["check"]
    engine.cancel(late, actor="ann", reason="")
    hands.report(ok(late_lease))
    (batch,) = create(engine, version="2.0.0")
    hands.play({"analyze": lambda _: cut(2)})
    engine.operator.restart(old[0], "ship", Word("ann"), context={"of": "another"})
    hands.play()
    old += [late, batch]
    numbers = engine.store.tasks.numbers([*old, young])
    full = traces(engine, old, numbers)
    assert set(full) >= {"tasks", "task_payloads", "steps", "attempts", "dependencies", "transitions", "dead_letters"}
    others = ("dead_letters", "warnings", "events", "paused_tasks")
    assert all(rows for table, rows in full.items() if table not in others), full

    clock.advance(40 * DAY)
    assert engine.prune(MONTH) == Pruned(5, 17)
    assert set(traces(engine, old, numbers).values()) == {0}
    assert tables(engine.store) == before
    assert engine.prune(MONTH) == Pruned(0, 0)
    with pytest.raises(TaskNotFoundError):
        engine.views.task(old[0])
    assert engine.views.task(young)["status"] == "complete"


def test_what_is_not_finished_or_not_old_enough_stays(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    (blocked,) = create(engine)
    hands.report(failed(hands.claim()["check"], retryable=False))
    (cancelled,) = create(engine)
    engine.cancel(cancelled, actor="ann", reason="")
    (waiting,) = create(engine)
    hands.report(failed(hands.claim()["check"], retry_after=3600))
    (running,) = create(engine)
    hands.claim()
    (ready,) = create(engine)
    clock.advance(31 * DAY)
    (recent,) = finish(hands, priority=5)
    everything = [blocked, cancelled, waiting, running, ready, recent]
    assert engine.prune(MONTH, dry_run=True) == Pruned(1, 3)
    assert kept(engine, everything) == everything
    assert engine.prune(MONTH) == Pruned(1, 3)
    assert kept(engine, everything) == [blocked, waiting, running, ready, recent]


def test_a_task_that_was_created_long_ago_counts_from_its_end(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    (task,) = create(engine)
    clock.advance(31 * DAY)
    hands.play()
    clock.advance(29 * DAY)
    assert engine.prune(MONTH).tasks == 0
    clock.advance(2 * DAY)
    assert engine.prune(MONTH).tasks == 1
    assert kept(engine, [task]) == []


@pytest.mark.parametrize(("status", "stays"), [("pending", True), ("manually_resolved", False)])
def test_a_task_with_an_open_dead_letter_stays(
    engine: Engine, hands: Hands, clock: ManualClock, status: str, stays: bool
) -> None:
    (task,) = finish(hands)
    numbers = engine.store.tasks.numbers([task])
    meddle(
        engine.store,
        "insert into {dead_letters} (id, task_id, no, reason, detail, status, created_at) "
        f"values ('{engine.ids.new()}', {numbers[task]}, 1, 'worker_lost', '{{{{}}}}', '{status}', 1)",
    )
    clock.advance(31 * DAY)
    assert engine.prune(MONTH).tasks == (0 if stays else 1)
    assert any(traces(engine, [task], numbers).values()) == stays


def test_namespace_and_limit_narrow_it(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    shop, returns = finish(hands, 3), finish(hands, 3, namespace="returns")
    clock.advance(31 * DAY)
    assert engine.prune(MONTH, namespace="returns", limit=2).tasks == 2
    assert kept(engine, shop) == shop and len(kept(engine, returns)) == 1
    assert engine.prune(MONTH, namespace="nowhere").tasks == 0
    assert engine.prune(MONTH, limit=100).tasks == 4


def test_a_dropped_task_frees_its_identity(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    order = {"context": {"cart": 7}, "idempotency_key": "order-7"}
    (first,) = engine.create([wish(engine, **order)])
    hands.play()
    clock.advance(31 * DAY)
    engine.prune(MONTH)
    (second,) = engine.create([wish(engine, **order)])
    assert second.new and second.task != first.task
    assert hands.play() == ["check", "pay", "ship"]


def test_more_than_a_page_of_tasks_go_in_small_transactions(
    engine: Engine, hands: Hands, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = create(engine, PAGE + 300)
    keep = [create(engine)[0] for _ in range(3)]
    named = ", ".join(f"'{task}'" for task in tasks)
    meddle(
        engine.store,
        f"update {{tasks}} set state = 'complete', completed_at = {clock.now()} where uuid in ({named})",
    )
    clock.advance(31 * DAY)
    sizes: list[int] = []
    drop = engine.store.history.drop

    def counted(batch: Sequence[int], before: int, heard: int) -> list[int]:
        sizes.append(len(batch))
        return drop(batch, before, heard)

    monkeypatch.setattr(engine.store.history, "drop", counted)
    assert engine.prune(MONTH) == Pruned(PAGE + 300, 3 * (PAGE + 300))
    assert sum(sizes) == PAGE + 300 and max(sizes) <= 200
    assert kept(engine, keep) == keep


def test_a_late_report_on_a_pruned_task_changes_nothing(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    (task,) = create(engine)
    lease = hands.claim()["check"]
    engine.cancel(task, actor="ann", reason="")
    clock.advance(31 * DAY)
    numbers = engine.store.tasks.numbers([task])
    assert engine.prune(MONTH).tasks == 1
    before = tables(engine.store)
    assert hands.answer(ok(lease)) == "lost"
    assert tables(engine.store) == before
    assert set(traces(engine, [task], numbers).values()) == {0}


# Seen to leave transitions behind without `lock_tasks` in record_rejected.
def test_pruning_beside_creating_settling_and_late_reports(
    another_engine: Callable[[], Engine], clock: ManualClock
) -> None:
    engine, other = another_engine(), another_engine()
    hands, done, wrong = Hands(engine), threading.Event(), list[BaseException]()
    pruned = 0

    def prune() -> None:
        nonlocal pruned
        try:
            while not done.is_set():
                pruned += other.prune(-1).tasks
        except BaseException as error:
            wrong.append(error)

    pruning = threading.Thread(target=prune)
    pruning.start()
    try:
        for n in range(40):
            tasks = create(engine, 5)
            leases = hands.claim_all()
            engine.cancel(tasks[n % 5], actor="ann", reason="")
            hands.report(*(ok(lease) for lease in leases))
            for _ in range(2):
                hands.report(*(ok(lease) for lease in hands.claim_all()))
    finally:
        done.set()
        pruning.join()
    pruned += other.prune(-1).tasks
    assert wrong == []
    assert pruned == 200
    left = tables(engine.store, "tasks", "task_payloads", "steps", "attempts", "dependencies", "transitions")
    assert left == {name: [] for name in left}


# A settle that holds the task's row must not be waited for.
def test_a_task_that_is_locked_is_passed_over(postgres_url: str, clock: ManualClock) -> None:
    database = open_database(postgres_url)
    database.migrate()
    engine = open_engine(f"{postgres_url}?options=-clock_timeout%3D3000")
    try:
        engine.catalog.register(flow(GRAPH), replace=False)
        hands = Hands(engine)
        busy, free = finish(hands), finish(hands)
        with getattr(database, "connect_directly")() as beside:  # noqa: B009
            beside.execute("begin")
            beside.execute("select 1 from tasker.tasks where uuid = %s for no key update", (busy[0],))
            assert engine.prune(-1) == Pruned(1, 3)
            assert kept(engine, [*busy, *free]) == busy
            beside.execute("rollback")
        assert engine.prune(-1) == Pruned(1, 3)
    finally:
        engine.close()
        database.close()


class TestRetention:
    """What the process with the sweep's duty drops by itself."""

    @pytest.fixture
    def keeper(self, engine: Engine, clock: ManualClock) -> Pruner:
        return Pruner(engine.store, clock, MONTH)

    def test_a_page_a_minute_at_most(
        self, engine: Engine, hands: Hands, clock: ManualClock, keeper: Pruner, caplog: pytest.LogCaptureFixture
    ) -> None:
        finish(hands, 2)
        clock.advance(31 * DAY)
        with caplog.at_level(logging.INFO, "tasker.prune"):
            assert keeper.keep() == Pruned(2, 6)
        assert "dropped 2 tasks" in caplog.text
        finish(hands)
        clock.advance(59)
        meddle(engine.store, "update {tasks} set completed_at = 1")
        assert keeper.keep() == Pruned()
        clock.advance(1)
        assert keeper.keep() == Pruned(1, 3)

    def test_without_a_retention_everything_stays(self, engine: Engine, hands: Hands, clock: ManualClock) -> None:
        finish(hands)
        clock.advance(1_000 * DAY)
        assert Pruner(engine.store, clock, None).keep() == Pruned()

    def test_who_sweeps_does_it(self, engine: Engine, hands: Hands, clock: ManualClock) -> None:
        tasks = finish(hands)
        clock.advance(31 * DAY)
        chores: list[str] = []
        parts = (engine.store, engine._settler, clock, engine.ids, engine.lease_time)
        first = Sweeper(*parts, chore=lambda: chores.append("first"))
        second = Sweeper(*parts, chore=lambda: chores.append("second"))
        first.sweep()
        second.sweep()
        assert chores == ["first"]
        keeping = Engine(engine.store, clock=clock, retention=MONTH)
        keeping.sweep()
        assert kept(engine, tasks) == tasks
        first.stop()
        keeping.sweep()
        assert kept(engine, tasks) == []

    def test_the_setting_is_read(self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TASKER_RETENTION", "30 days")
        with pytest.raises(InvalidRequestError, match="TASKER_RETENTION must be a length of time like 90d"):
            open_engine(sqlite_url)
        monkeypatch.setenv("TASKER_RETENTION", "90d")
        engine = open_engine(sqlite_url)
        assert engine._pruner._retention == 90 * 86_400 * 1_000_000
        engine.close()


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000), ("2W", 1_209_600)]
)
def test_ages(text: str, seconds: int) -> None:
    assert age(text, "x") == seconds * 1_000_000


@pytest.mark.parametrize("text", ["", "d", "0d", "-1d", "1.5d", "30", "30days", "1y", "٣d"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="--older-than must be a length of time"):
        age(text, "--older-than")
