"""Forty tasks that are stuck, made on purpose, on each database: `explain` names the cause of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.rules.explanation import ReasonKind
from tasker_core.store import Store, open_database
from tasker_core.words import Word
from tests.engine.test_decisions import choose, routing
from tests.race.beside import Beside
from tests.support.batches import batching, cut, template_of
from tests.support.databases import KINDS
from tests.support.flows import AWAY, Hands, flow, ok, yielded
from tests.support.plight import PATIENT, SLOTS, Plight, started

ANN = Word("ann", "the bank is down")


# --- nobody there


def no_worker_at_all(p: Plight) -> None:
    p.create()


def no_worker_for_the_handler(p: Plight) -> None:
    p.create()
    p.worker("shop/ship")


def a_misspelled_handler(p: Plight) -> None:
    p.create()
    p.worker("shop/crat")


def a_worker_of_another_namespace_only(p: Plight) -> None:
    p.create()
    p.worker("returns/cart")


def a_worker_that_serves_nothing(p: Plight) -> None:
    p.create()
    Hands(p.engine, AWAY, name="bare")


def a_handler_that_was_renamed(p: Plight) -> None:
    p.worker("shop/cart")
    p.create(flow({"fill_cart": []}, version="2.0.0"), version="2.0.0")


def a_dead_worker_not_yet_swept(p: Plight) -> None:
    started(p)
    p.clock.advance(11)


def a_draining_worker(p: Plight) -> None:
    p.engine.store.workers.drain(started(p).crew[0].number)


def a_worker_that_has_ended(p: Plight) -> None:
    p.engine.store.workers.end(started(p).crew[0].number)


def one_step_that_nobody_serves_beside_one_that_is(p: Plight) -> None:
    p.create(flow({"cart": [], "audit": []}))
    p.worker("shop/cart")


# --- the queue


def ready_and_about_to_be_taken(p: Plight) -> None:
    started(p)


def all_slots_are_busy(p: Plight) -> None:
    p.create(flow({f"part{n:02}": [] for n in range(SLOTS + 2)}, handler={"callable": "part"}))
    p.worker("shop/part")
    p.crew[0].claim_all(room=SLOTS)


def behind_older_tasks(p: Plight) -> None:
    for _ in range(2):
        p.create()
        p.clock.advance(1)
    started(p)


def behind_an_urgent_task(p: Plight) -> None:
    mine = p.create()
    p.create(priority=10)
    p.worker()
    p.task = mine


def behind_its_own_siblings(p: Plight) -> None:
    started(p, flow({"a": [], "b": [], "c": []}, handler={"callable": "part"}))


def yielded_at_a_checkpoint(p: Plight) -> None:
    started(p)
    p.crew[0].report(yielded(p.claim("cart")["cart"], 7))


# --- running


def running(p: Plight) -> None:
    started(p).claim("cart")


def running_with_a_time_limit(p: Plight) -> None:
    started(p, flow({"cart": []}, timeout_seconds=30)).claim("cart")


def running_again(p: Plight) -> None:
    started(p).fail("cart", retryable=True)
    p.clock.advance(600)
    p.beat()
    p.engine.enqueue_due("timer")
    p.claim("cart")


def at_a_silent_worker(p: Plight) -> None:
    started(p).claim("cart")
    p.clock.advance(11)


def at_a_worker_that_is_gone(p: Plight) -> None:
    started(p).claim("cart")
    p.engine.store.workers.end(p.crew[0].number)


def at_a_worker_that_drains(p: Plight) -> None:
    started(p).claim("cart")
    p.engine.store.workers.drain(p.crew[0].number)


# --- retries


def a_retry_far_away(p: Plight) -> None:
    started(p).fail("cart", "gateway down", retryable=True)


def a_retry_that_the_gateway_asked_for(p: Plight) -> None:
    started(p).fail("cart", "slow down", retryable=True, retry_after=3_000)


def a_retry_that_is_due_and_nobody_enqueues(p: Plight) -> None:
    started(p).fail("cart", retryable=True)
    p.clock.advance(700)


def a_retry_that_is_due_now(p: Plight) -> None:
    started(p).fail("cart", retryable=True)
    p.clock.advance(600)
    p.beat()


# --- failures


def blocked_by_its_parent(p: Plight) -> None:
    started(p).done("cart")
    p.fail("pay")


def blocked_from_afar(p: Plight) -> None:
    started(p).fail("cart", "sold out")


def blocked_by_two(p: Plight) -> None:
    started(p).done("cart")
    p.fail("pay")
    p.fail("stock", "sold out")


def blocked_by_a_poison_step(p: Plight) -> None:
    started(p)
    for n in range(3):
        p.claim("cart")
        p.engine.store.workers.end(p.crew[0].number)
        p.engine.sweep()
        p.crew.clear()
        p.worker(name=f"blue-{n}")


def blocked_by_a_decision_that_failed(p: Plight) -> None:
    started(p, routing({"route?": [], "tell": ["route"], "air": ["route"], "done": ["tell"]}))
    p.fail("route")


# --- parents


def waits_for_a_parent_in_the_queue(p: Plight) -> None:
    started(p)


def waits_for_a_parent_that_runs(p: Plight) -> None:
    started(p).claim("cart")


def waits_for_a_parent_that_waits_for_a_retry(p: Plight) -> None:
    started(p).fail("cart", retryable=True)


def waits_for_the_last_parent(p: Plight) -> None:
    started(p).done("cart", "stock")


def waits_for_a_hundred_parents(p: Plight) -> None:
    parts: dict[str, list[str]] = {f"part{n:03}": [] for n in range(100)}
    started(p, flow({**parts, "join": list(parts)}))


def waits_for_a_decision(p: Plight) -> None:
    started(p, routing({"route?": [], "air": ["route"], "sea": ["route"], "tell&": ["air", "sea"]}))


def a_chosen_branch_waits(p: Plight) -> None:
    started(p, routing({"route?": [], "air": ["route"], "sea": ["route"], "tell&": ["air", "sea"]}))
    p.crew[0].report(ok(p.claim("route")["route"], choose("sea")(None)))


# --- batches


def cut_up(p: Plight, count: int, **config: Any) -> None:
    started(p, batching(**config))
    p.crew[0].report(ok(p.claim("analyze")["analyze"], cut(count)))


def a_batch_that_isnt_cut_yet(p: Plight) -> None:
    started(p, batching()).claim("analyze")


def a_batch_that_converges(p: Plight) -> None:
    cut_up(p, 2)


def a_batch_at_its_parallelism(p: Plight) -> None:
    cut_up(p, 3, parallelism=1)


def a_batch_that_failed_fast(p: Plight) -> None:
    cut_up(p, 3, parallelism=1, failure_strategy="fail_fast")
    p.fail("process_001", "bad row")


def a_batch_of_which_a_piece_waits_for_a_retry(p: Plight) -> None:
    worker = {"name": "process", "type": "batch_worker", "dependencies": ["analyze"], "retry": PATIENT}
    analyze = {"name": "analyze", "type": "batchable", "batch_config": {"worker_template": "process"}}
    started(p, template_of(analyze, worker, {"name": "total", "dependencies": ["process"]}))
    p.crew[0].report(ok(p.claim("analyze")["analyze"], cut(2)))
    p.done("process_002")
    p.fail("process_001", "bad row", retryable=True)


# --- held by a person


def a_paused_task(p: Plight) -> None:
    p.engine.operator.pause(started(p).task, ANN)


def a_paused_namespace(p: Plight) -> None:
    started(p)
    p.engine.namespaces.pause("shop", ANN)


def a_paused_task_of_a_paused_namespace(p: Plight) -> None:
    a_paused_task(p)
    p.engine.namespaces.pause("shop", Word("bob", "stocktaking"))


def a_paused_task_whose_retry_is_far_away(p: Plight) -> None:
    started(p).fail("cart", retryable=True)
    p.engine.operator.pause(p.task, ANN)


def a_paused_task_that_still_runs(p: Plight) -> None:
    started(p).claim("cart")
    p.engine.operator.pause(p.task, ANN)


def a_paused_task_that_nobody_serves(p: Plight) -> None:
    p.create()
    p.engine.operator.pause(p.task, ANN)


Scenario = tuple[Callable[[Plight], None], str, ReasonKind, str]
K = ReasonKind

SCENARIOS: list[Scenario] = [
    (no_worker_at_all, "cart", K.NO_WORKER, "no worker lives at all"),
    (no_worker_for_the_handler, "cart", K.NO_WORKER, "no live worker serves the handler 'cart' of namespace 'shop'"),
    (a_misspelled_handler, "cart", K.NO_WORKER, "served are 'crat'"),
    (a_worker_of_another_namespace_only, "cart", K.NO_WORKER, "served are 'returns/cart'"),
    (a_worker_that_serves_nothing, "cart", K.NO_WORKER, "no live worker serves"),
    (a_handler_that_was_renamed, "fill_cart", K.NO_WORKER, "no live worker serves the handler 'fill_cart'"),
    (a_dead_worker_not_yet_swept, "cart", K.NO_WORKER, "blue did, and has gone silent or is stopping"),
    (a_draining_worker, "cart", K.NO_WORKER, "blue did, and has gone silent or is stopping"),
    (a_worker_that_has_ended, "cart", K.NO_WORKER, "no worker lives at all"),
    (one_step_that_nobody_serves_beside_one_that_is, "audit", K.NO_WORKER, "the handler 'audit'"),
    (ready_and_about_to_be_taken, "cart", K.WAITS_IN_QUEUE, "ready, and blue will take it (10 of 10 slots are free)"),
    (all_slots_are_busy, "part11", K.WAITS_IN_QUEUE, "all 10 slots of blue are busy; behind 0 steps of other tasks"),
    (behind_older_tasks, "cart", K.WAITS_IN_QUEUE, "behind 2 steps of other tasks and 0 of its own"),
    (behind_an_urgent_task, "cart", K.WAITS_IN_QUEUE, "behind 1 step of other tasks"),
    (behind_its_own_siblings, "c", K.WAITS_IN_QUEUE, "behind 0 steps of other tasks and 2 of its own"),
    (yielded_at_a_checkpoint, "cart", K.WAITS_IN_QUEUE, "ready, and blue will take it"),
    (running, "cart", K.IN_PROGRESS, "in progress at blue (another-host, process 4711) for 0 s, attempt 1 of 5"),
    (running_with_a_time_limit, "cart", K.IN_PROGRESS, "times out at 2027-01-15 08:00:30 UTC"),
    (running_again, "cart", K.IN_PROGRESS, "attempt 2 of 5"),
    (at_a_silent_worker, "cart", K.WORKER_LOST, "its worker blue (another-host, process 4711) is lost, last heard of"),
    (at_a_worker_that_is_gone, "cart", K.WORKER_LOST, "the next sweep of a live worker puts it back"),
    (at_a_worker_that_drains, "cart", K.IN_PROGRESS, "in progress at blue"),
    (a_retry_far_away, "cart", K.WAITS_FOR_RETRY, "(in 10 min), then attempt 2 of 5; last error: handler_error: gate"),
    (
        a_retry_that_the_gateway_asked_for,
        "cart",
        K.WAITS_FOR_RETRY,
        "(in 53 min 45 s), then attempt 2 of 5; last error",
    ),
    (a_retry_that_is_due_and_nobody_enqueues, "cart", K.WAITS_FOR_RETRY, "but no worker is there to put it into the"),
    (a_retry_that_is_due_now, "cart", K.WAITS_FOR_RETRY, "its retry, attempt 2 of 5, has been due for 0 s; last"),
    (blocked_by_its_parent, "ship", K.BLOCKED_BY_FAILURE, "blocked by the failure of pay (handler_error: declined)"),
    (blocked_from_afar, "thank", K.BLOCKED_BY_FAILURE, "blocked by the failure of cart (handler_error: sold out)"),
    (blocked_by_two, "ship", K.BLOCKED_BY_FAILURE, "pay (handler_error: declined) and stock (handler_error: sold out)"),
    (blocked_by_a_poison_step, "pay", K.BLOCKED_BY_FAILURE, "blocked by the failure of cart (worker_lost:"),
    (blocked_by_a_decision_that_failed, "", K.BLOCKED_BY_FAILURE, "blocked: route (handler_error: declined) failed"),
    (waits_for_a_parent_in_the_queue, "pay", K.WAITS_FOR_PARENTS, "waits for cart (enqueued)"),
    (waits_for_a_parent_that_runs, "pay", K.WAITS_FOR_PARENTS, "waits for cart (in_progress)"),
    (waits_for_a_parent_that_waits_for_a_retry, "pay", K.WAITS_FOR_PARENTS, "waits for cart (waiting_for_retry)"),
    (waits_for_the_last_parent, "ship", K.WAITS_FOR_PARENTS, "waits for pay (enqueued)"),
    (waits_for_a_hundred_parents, "join", K.WAITS_FOR_PARENTS, "part003 (enqueued), part004 (enqueued) and 95 more"),
    (waits_for_a_decision, "route", K.WAITS_IN_QUEUE, "ready, and blue will take it"),
    (a_chosen_branch_waits, "tell", K.WAITS_FOR_PARENTS, "waits for sea (enqueued)"),
    (a_batch_that_isnt_cut_yet, "analyze", K.IN_PROGRESS, "in progress at blue"),
    (a_batch_that_converges, "total", K.WAITS_FOR_PARENTS, "waits for process_001 (enqueued) and process_002 (enq"),
    (a_batch_at_its_parallelism, "process_002", K.WAITS_FOR_PLACE, "waits for a place: 1 of its batch at once is the"),
    (a_batch_that_failed_fast, "process_002", K.BLOCKED_BY_FAILURE, "held back by the failure of process_001 (handler"),
    (a_batch_of_which_a_piece_waits_for_a_retry, "total", K.WAITS_FOR_PARENTS, "waits for process_001 (waiting_for_"),
    (a_paused_task, "cart", K.TASK_PAUSED, "held: task paused by ann since 2027-01-15 08:00:00 UTC: the bank is down"),
    (a_paused_namespace, "cart", K.NAMESPACE_PAUSED, "held: namespace shop paused by ann since 2027-01-15 08:00:00"),
    (a_paused_task_of_a_paused_namespace, "cart", K.TASK_PAUSED, "held: task paused by ann"),
    (a_paused_task_whose_retry_is_far_away, "cart", K.WAITS_FOR_RETRY, "then held: task paused by ann"),
    (a_paused_task_that_still_runs, "cart", K.IN_PROGRESS, "in progress at blue"),
    (a_paused_task_that_nobody_serves, "cart", K.TASK_PAUSED, "held: task paused by ann"),
]


MADE_ELSEWHERE = {"stuck", "limit_reached", "breaker_open"}
"""Kinds that test_explain.py and test_explain_limits.py make."""


def named(scenario: Scenario) -> str:
    return scenario[0].__name__


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Beside]]:
    """One store for all of them, which each finds empty."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('plights')}/tasker.db"
    else:
        url = f"{request.getfixturevalue('postgres_of_the_suites')}?tasker_schema=plights"
    with closing(open_database(url)) as database:
        database.migrate()
        store = Store(database)
        with closing(Beside(store)) as beside:
            yield store, beside


@pytest.fixture
def plight(store: tuple[Store, Beside]) -> Plight:
    place, beside = store
    beside.empty()
    clock = ManualClock()
    engine = Engine(place, clock=clock, roll=lambda: 0.5)
    engine.wake.tell = lambda _: None  # No other process listens.
    return Plight(engine, clock)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_the_cause_is_named(plight: Plight, scenario: Scenario) -> None:
    make, step, kind, words = scenario
    make(plight)
    engine = plight.engine
    found = engine.explain(plight.task)
    if not step:
        assert words in found.text and found.failures, found.text
        return
    (reason,) = [each.reason for each in found.steps if each.name == step]
    assert reason.kind is kind, reason
    assert words in reason.text, reason.text
    unfinished = {s["name"] for s in engine.views.steps(plight.task) if s["current_state"] not in ("complete", "error")}
    assert unfinished == {each.name for each in found.steps}, "each unfinished step has its reason"


def test_there_are_forty_of_them() -> None:
    assert len({named(scenario) for scenario in SCENARIOS}) == len(SCENARIOS) >= 40
    assert {str(kind) for _, _, kind, _ in SCENARIOS} == {str(kind) for kind in ReasonKind} - MADE_ELSEWHERE
