"""What the doctor finds in a store, and among those who work on it: each trouble is really made first."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.doctor import examine
from tasker_core.engine.processes import this_process
from tasker_core.rules.diagnosis import Check, CheckKind, Diagnosis, Level
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish
from tests.support.graphs import tables
from tests.support.meddling import meddle

GRAPH = {"check": [], "charge": ["check"]}
LANES = ["shop/check", "shop/charge"]


def create(engine: Engine, count: int = 1, **of_each_step: Any) -> list[str]:
    engine.catalog.register(flow(GRAPH, **of_each_step), replace=True)
    wishes = [wish(engine, context={"of": engine.ids.new()}) for _ in range(count)]
    return [created.task for created in engine.create(wishes)]


def serve(hands: Hands, *lanes: str) -> None:
    hands.engine.store.workers.serve(hands.number, lanes or LANES)


def findings(engine: Engine) -> list[Check]:
    """What the doctor found, but for the settings of the tests' own server."""
    return [check for check in engine.doctor().findings if check.kind is not CheckKind.DURABILITY]


def the_one(engine: Engine, kind: CheckKind) -> Check:
    """The only finding of this kind."""
    (check,) = (check for check in findings(engine) if check.kind is kind)
    return check


def of(diagnosis: Diagnosis, kind: CheckKind) -> list[Check]:
    return [check for check in diagnosis.checks if check.kind is kind]


def test_a_store_that_nobody_uses_yet_is_sound(engine: Engine) -> None:
    diagnosis = engine.doctor()
    assert findings(engine) == []
    assert diagnosis.is_usable
    (workers,) = of(diagnosis, CheckKind.WORKERS)
    assert workers.text == "none lives, and nothing waits for one"
    assert Diagnosis.from_dict(diagnosis.as_dict()) == diagnosis


def test_a_store_at_work_is_sound_and_is_left_as_it_was(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands)
    create(engine, 3)
    engine.sweep()
    hands.report(ok(hands.claim_all(room=2)[0]))
    clock.advance(2)
    before = tables(engine.store)
    diagnosis = engine.doctor()
    assert findings(engine) == []
    assert tables(engine.store) == before
    (workers,) = of(diagnosis, CheckKind.WORKERS)
    assert workers.text == "1 worker live, with 10 slots and 1 step in progress; the last beat came 2 s ago"
    (queue,) = of(diagnosis, CheckKind.QUEUE)
    assert queue.text == "2 steps of 2 handlers wait"
    (sweep,) = of(diagnosis, CheckKind.SWEEP)
    assert sweep.text == "a worker looks for lost steps"


def test_the_database_is_described(engine: Engine) -> None:
    checks = {check.kind: check for check in engine.doctor().checks}
    assert checks[CheckKind.SCHEMA].details == {"version": 1, "known_version": 1}
    assert checks[CheckKind.LATENCY].details["round_trip_ms"] >= 0
    lite = engine.store.database.dialect == "lite"
    assert checks[CheckKind.DATABASE].text.startswith("SQLite 3." if lite else "PostgreSQL 1")
    if lite:
        assert checks[CheckKind.ROOM].details["wal_bytes"] > 4_096
    else:
        assert abs(checks[CheckKind.CLOCK].details["database_ahead_ms"]) < 1_000
        assert checks[CheckKind.HINTS].details["took_ms"] >= 0
        assert checks[CheckKind.RIGHTS].level is Level.OK


def test_steps_wait_and_no_worker_lives(engine: Engine, clock: ManualClock) -> None:
    create(engine, 2)
    clock.advance(90)
    (found,) = findings(engine)
    assert (found.kind, found.level) == (CheckKind.WORKERS, Level.ERROR)
    assert found.text == "none lives, and 2 steps wait, the oldest for 1 min 30 s"
    assert found.advice == "start one: tasker worker --handlers PACKAGE"


def test_a_silent_worker_and_what_it_holds(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    away = Hands(engine, AWAY, name="blue-1")
    serve(away)
    create(engine)
    away.claim()
    clock.advance(9)
    engine.beat(hands.number, [])
    serve(hands)
    engine.sweep()
    assert findings(engine) == []
    clock.advance(2)
    found = the_one(engine, CheckKind.WORKERS)
    assert (found.level, found.place) == (Level.WARNING, "worker blue-1 (another-host, process 4711)")
    assert found.text == "silent for 11 s; it holds 1 step"
    assert found.advice.startswith("if process 4711 on another-host still runs, it hangs: end it; its steps go back")


def test_a_worker_whose_process_has_ended(engine: Engine) -> None:
    here = this_process()
    lost = Hands(engine, here._replace(started=here.started - 1), name="blue-2")
    serve(lost)
    create(engine)
    lost.claim()
    crew, found = findings(engine)
    assert (crew.level, crew.text) == (Level.ERROR, "none lives")
    assert found.place == f"worker blue-2 ({here.host}, process {here.pid})"
    assert found.text == "its process has ended; it holds 1 step"
    assert found.advice == "its steps wait for a live worker's sweep"


def test_a_worker_that_serves_nothing(engine: Engine, hands: Hands) -> None:
    engine.sweep()
    found = the_one(engine, CheckKind.WORKERS)
    assert found.place == f"worker hands ({os.uname().nodename}, process {os.getpid()})"
    assert (found.level, found.text) == (Level.WARNING, "lives, and serves no step of any template")


def test_a_worker_that_beats_in_the_future(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands)
    engine.sweep()
    engine.store.workers.beat(hands.number, clock.now() + 60_000_000)
    found = the_one(engine, CheckKind.CLOCK)
    assert found.text == "its last beat lies 1 min in the future: a clock was set back"


def test_nobody_sweeps_though_workers_live(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands)
    found = the_one(engine, CheckKind.SWEEP)
    assert (found.level, found.text) == (Level.WARNING, "no worker has taken the duty to look for lost steps")
    engine.sweep()
    assert findings(engine) == []
    clock.advance(60)
    engine.beat(hands.number, [])
    found = the_one(engine, CheckKind.SWEEP)
    assert found.level is Level.ERROR and "lapsed 55 s ago, and nobody has taken it" in found.text
    meddle(engine.store, f"update {{duties}} set held_until = {clock.now() + 3_600_000_000}")
    found = the_one(engine, CheckKind.SWEEP)
    assert found.level is Level.ERROR and "is taken until 2027-01-15 09:01:00 UTC: a clock was set back" in found.text


def test_steps_that_no_live_worker_serves(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.sweep()
    (task, _) = create(engine, 2)
    serve(hands, "shop/chekc", "shop/charge")
    clock.advance(5)
    found = the_one(engine, CheckKind.QUEUE)
    assert (found.level, found.place) == (Level.WARNING, "shop/check")
    clock.advance(30)
    engine.beat(hands.number, [])
    found = the_one(engine, CheckKind.QUEUE)
    assert found.level is Level.ERROR
    assert found.text == (
        "2 steps wait, the oldest for 35 s, and no live worker serves the handler 'check' in the namespace 'shop'; "
        "served are 'chekc'"
    )
    assert found.details["nearest"] == ["chekc"] and found.details["task"] in engine.doctor().as_dict().__str__()
    assert found.details["count"] == 2 and len(found.details["task"]) == len(task)


def test_templates_are_compared_with_what_is_served(engine: Engine, hands: Hands) -> None:
    engine.sweep()
    engine.catalog.register(flow(GRAPH), replace=False)
    serve(hands, "shop/check", "shop/charg")
    found = the_one(engine, CheckKind.TEMPLATES)
    assert (found.level, found.place) == (Level.WARNING, "shop/order 1.0.0")
    assert found.text == "no live worker serves charge ('charge'; served is 'charg')"
    serve(hands)
    assert findings(engine) == []


def test_only_versions_that_new_tasks_get_are_compared(engine: Engine, hands: Hands) -> None:
    engine.sweep()
    for version, step in (("0.9.0", "old"), ("1.0.0", "one"), ("1.2.0", "two"), ("1.10.0", "ten")):
        engine.catalog.register(flow({step: []}, version=version), replace=False)
    serve(hands, "shop/else")
    places = [check.place for check in findings(engine)]
    assert places == ["shop/order 1.0.0", "shop/order 1.10.0"]


def test_a_template_that_cannot_be_read(engine: Engine, hands: Hands) -> None:
    engine.sweep()
    serve(hands)
    engine.catalog.register(flow(GRAPH), replace=False)
    meddle(engine.store, """update {templates} set content = '{{"name": "order"}}'""")
    found = the_one(engine, CheckKind.TEMPLATES)
    assert (found.level, found.place) == (Level.ERROR, "shop/order 1.0.0") and "can't be read" in found.text


def test_a_backlog_behind_busy_workers_and_an_idle_one_that_takes_nothing(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    serve(hands)
    create(engine, 12)
    hands.claim_all(room=10)
    clock.advance(70)
    engine.beat(hands.number, [])
    engine.sweep()
    found = the_one(engine, CheckKind.QUEUE)
    assert (found.level, found.place) == (Level.WARNING, "shop/check")
    assert found.text == "2 steps wait, the oldest for 1 min 10 s; all 10 slots of its workers are busy"
    other = Hands(engine, AWAY, name="idle")
    serve(other)
    found = the_one(engine, CheckKind.QUEUE)
    assert found.level is Level.ERROR and found.text.endswith("though 10 of 20 slots of hands and idle are free")


def test_steps_in_progress_at_workers_that_are_gone(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    away = Hands(engine, AWAY, name="blue-1")
    serve(away)
    create(engine, 2)
    away.claim_all()
    engine.store.workers.end(away.number)
    engine.store.workers.end(hands.number)
    clock.advance(3)
    found = the_one(engine, CheckKind.RUNNING)
    assert (found.level, found.place) == (Level.ERROR, "shop/check")
    assert found.text == "2 steps in progress at workers that are gone, the first for 3 s"
    assert found.advice == "start one: tasker worker --handlers PACKAGE"
    other = Hands(engine)
    serve(other)
    found = the_one(engine, CheckKind.RUNNING)
    assert found.level is Level.WARNING and "the next sweep" in found.advice
    clock.advance(20)
    engine.beat(other.number, [])
    found = the_one(engine, CheckKind.RUNNING)
    assert found.level is Level.ERROR and found.advice.startswith("the sweep doesn't get through")
    engine.sweep()
    assert of(engine.doctor(), CheckKind.RUNNING)[0].level is Level.OK


def test_retries_that_nobody_puts_into_the_queue(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands)
    engine.sweep()
    (task,) = create(engine, retry={"max_attempts": 3, "backoff_base_ms": 1_000, "jitter": 0})
    hands.report(failed(hands.claim()["check"]))
    clock.advance(10)
    engine.beat(hands.number, [])
    engine.sweep()
    assert findings(engine) == []
    clock.advance(10)
    engine.beat(hands.number, [])
    engine.sweep()
    found = the_one(engine, CheckKind.RETRIES)
    assert (found.level, found.text) == (Level.ERROR, "1 retry should be in the queue, the first for 19 s")
    assert "logs" in found.advice and found.details["task"] == task
    engine.store.workers.end(hands.number)
    assert "tasker worker" in the_one(engine, CheckKind.RETRIES).advice
    engine.enqueue_due(hands.actor)
    assert of(engine.doctor(), CheckKind.RETRIES)[0].level is Level.OK


def test_blocked_tasks_are_counted_with_what_failed(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands)
    engine.sweep()
    first, second, given_up = create(engine, 3)
    hands.report(*(failed(lease, retryable=False) for lease in hands.claim_all()))
    clock.advance(3)
    engine.cancel(given_up, actor="ann")
    found = the_one(engine, CheckKind.FAILURES)
    assert found.level is Level.WARNING
    assert found.text == "2 tasks are blocked by failures, the first for 3 s; what failed: shop/check (2)"
    assert found.details["tasks"] == 2 and found.details["task"] in (first, second)
    for task in (first, second):
        engine.cancel(task, actor="ann")
    assert findings(engine) == []


def test_open_dead_letters(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands)
    (task,) = create(engine, retry={"max_attempts": 9}, max_crashes=1)
    lost = Hands(engine)
    lost.claim()
    engine.store.workers.end(lost.number)
    engine.sweep()
    clock.advance(4)
    found = the_one(engine, CheckKind.DEAD_LETTERS)
    assert found.level is Level.WARNING and found.text.startswith("1 dead letter is open, the first for 4 s")
    assert found.advice.endswith(f"tasker dlq show --task {task}")
    engine.cancel(task, actor="ann")
    assert findings(engine) == []


def test_clocks_that_differ(engine: Engine) -> None:
    machine = ManualClock(engine.clock.now())
    diagnosis = examine(engine.store, engine.clock, engine.lease_time, machine)
    clocks = of(diagnosis, CheckKind.CLOCK)
    if engine.store.database.dialect == "lite":
        assert clocks == []
        return
    (found,) = clocks
    assert found.level is Level.WARNING and "behind this machine's" in found.text and "NTP" in found.advice


@pytest.mark.parametrize(("change", "told"), [("9999", "version 9999 is newer than"), ("0", "Tasker's tables aren't")])
def test_a_schema_of_another_version(
    another_engine: Callable[[], Engine], change: str, told: str
) -> None:  # fmt: skip
    engine = another_engine()
    book = "{schema}" if engine.store.database.dialect == "lite" else "{schema_version}"
    meddle(engine.store, f"update {book} set version = {change}")
    diagnosis = engine.doctor()
    (found,) = (check for check in diagnosis.findings if check.kind is CheckKind.SCHEMA)
    assert (found.level, diagnosis.is_usable) == (Level.ERROR, False) and told in found.text
    assert "tasker migrate" in found.advice or "upgrade tasker-core" in found.advice


def test_a_long_backlog_is_counted_up_to_a_limit_and_every_lane_is_found(engine: Engine, hands: Hands) -> None:
    engine.sweep()
    wide: dict[str, list[str]] = {f"part{no}": [] for no in range(40)}
    engine.catalog.register(flow(wide), replace=False)
    engine.create([wish(engine, context={"no": no}) for no in range(30)])
    engine.catalog.register(flow({"same": []}, name="many"), replace=False)
    engine.create([wish(engine, name="many", context={"no": no}) for no in range(1_100)])
    serve(hands, "shop/else")
    symptoms = engine.store.insight.symptoms(0, "sweep", (), ())
    assert {lane: pile.size for lane, pile in symptoms.queues.items()} == {
        "shop/same": 1_000, **{f"shop/part{no}": 30 for no in range(40)},
    }  # fmt: skip
    found = [check for check in findings(engine) if check.kind is CheckKind.QUEUE]
    assert len(found) == 21 and found[-1].text == "21 more handlers in the same plight"


def test_a_deep_look_finds_what_no_verb_leaves_behind(
    engine: Engine, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_core.engine.doctor_history.SECOND_LOOK", 0.0)
    serve(hands)
    engine.sweep()
    sound, stuck, eager, odd, named = create(engine, 5)
    for task, change in {
        stuck: "update {steps} set state = 'pending' where no = 1",
        eager: f"update {{steps}} set state = 'enqueued', enqueued_at = {engine.clock.now()} where no = 2",
        odd: "update {steps} set state = 'enqueued_for_orchestration' where no = 1",
    }.items():
        meddle(engine.store, f"{change} and task_id = (select id from {{tasks}} where uuid = '{task}')")
    meddle(engine.store, f"update {{tasks}} set state = 'blocked_by_failures' where uuid = '{named}'")
    assert findings(engine) == []
    deep = engine.doctor(deep=True)
    told = {check.details["task"]: check.text for check in of(deep, CheckKind.HISTORY)}
    assert sound not in told
    assert told == {
        stuck: (
            "step 'check' is pending, though all its parents are done and the task is steps_in_process, its steps say "
            "pending"
        ),
        eager: "step 'charge' is enqueued, though check isn't done",
        odd: "step 'check' rests in enqueued_for_orchestration",
        named: "the task is blocked_by_failures, its steps say steps_in_process",
    }
    for task in told:
        engine.cancel(task, actor="ann")
    (check,) = of(engine.doctor(deep=True), CheckKind.HISTORY)
    assert (check.level, check.text) == (Level.OK, "1 unfinished task, each as it can be")


def test_a_deep_look_goes_through_all_of_them_and_finds_nothing_in_a_store_at_work(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    create(engine, 450, retry={"max_attempts": 2})
    leases = hands.claim_all(room=50)
    hands.report(*map(ok, leases[:20]), *map(failed, leases[20:40]))
    hands.report(*(failed(lease, retryable=False) for lease in leases[40:45]))
    (check,) = of(engine.doctor(deep=True), CheckKind.HISTORY)
    assert (check.level, check.text) == (Level.OK, "450 unfinished tasks, each as it can be")
