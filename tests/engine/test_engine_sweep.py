"""The sweep: whose worker died is found out without mistaking an outage, a nap or a jumping clock for a death (I6)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.processes import is_alive, this_process
from tasker_core.words import Settled
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish
from tests.support.graphs import tables
from tests.support.mortals import a_process

LEASE = 10


class JumpingClock(ManualClock):
    """A wall clock that can be set, beside a monotonic one that can't."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead

    def jump(self, seconds: float) -> None:
        self.ahead += round(seconds * 1_000_000)


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture(autouse=True)
def template(engine: Engine) -> None:
    engine.catalog.register(flow({"pay": []}, retry={"max_attempts": 50}), replace=False)


def watch(engine: Engine, clock: ManualClock, seconds: float, *beating: Hands) -> int:
    """Sweep every second while the ``beating`` workers live; how many steps were freed."""
    freed = engine.sweep()
    for _ in range(round(seconds)):
        clock.advance(1)
        for hands in beating:
            assert engine.beat(hands.number, []).known
        freed += engine.sweep()
    return freed


def claimed(engine: Engine, hands: Hands) -> str:
    """A task whose only step ``hands`` holds."""
    (created,) = engine.create([wish(engine, idempotency_key=engine.ids.new())])
    assert hands.claim_all()
    return created.task


def state(engine: Engine, task: str) -> str:
    return str(engine.views.steps(task)[0]["current_state"])


def test_a_dead_process_of_this_machine_is_known_at_once(engine: Engine) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells when a process was started")
    with a_process() as (process, its_id):
        assert is_alive(its_id)
        task = claimed(engine, Hands(engine, its_id))
        assert engine.sweep() == 0 and state(engine, task) == "in_progress"
        process.kill()
        process.wait()
        assert not is_alive(its_id)
        assert engine.sweep() == 1
    assert state(engine, task) == "enqueued"
    assert engine.sweep() == 0


def test_a_process_id_that_was_given_to_another_process_is_dead(engine: Engine) -> None:
    me = this_process()
    task = claimed(engine, Hands(engine, me._replace(started=me.started - 1)))
    assert engine.sweep() == 1 and state(engine, task) == "enqueued"


@pytest.mark.parametrize("changes", [{"host": "elsewhere"}, {"boot": "another-boot"}])
def test_a_process_that_cannot_be_seen_from_here_is_not_judged(engine: Engine, changes: dict[str, str]) -> None:
    away = this_process()._replace(pid=999_999_999, **changes)  # type: ignore[arg-type]  # host and boot are texts
    task = claimed(engine, Hands(engine, away))
    assert engine.sweep() == 0 and state(engine, task) == "in_progress"


# I6. Seen to fail with `if watched >= self._lease_time else 0` taken out of Sweeper.sweep: gone at the first sweep.
def test_a_silent_worker_is_given_up_after_one_lease_time_of_watching(engine: Engine, clock: JumpingClock) -> None:
    task = claimed(engine, Hands(engine, AWAY))
    clock.advance(3_600)
    assert engine.sweep() == 0, "it has been silent for an hour, but this sweeper has only just come"
    assert watch(engine, clock, LEASE - 1) == 0
    clock.advance(1)
    assert engine.sweep() == 1
    assert state(engine, task) == "enqueued"


def test_a_worker_that_beats_is_never_given_up(engine: Engine, clock: JumpingClock) -> None:
    hands = Hands(engine, AWAY)
    claimed(engine, hands)
    assert watch(engine, clock, 5 * LEASE, hands) == 0
    assert watch(engine, clock, LEASE + 1) == 1, "until it falls silent"


def test_an_outage_starts_the_watch_anew(engine: Engine, clock: JumpingClock) -> None:
    hands = Hands(engine, AWAY)
    claimed(engine, hands)
    watch(engine, clock, 2 * LEASE, hands)
    clock.advance(3_600)
    assert engine.sweep() == 0, "everybody was silent for an hour, this sweeper as well"
    assert watch(engine, clock, LEASE - 1) == 0
    assert watch(engine, clock, 2) == 1


# I6. Seen to fail with `or jump` taken out of Sweeper._watch.
@pytest.mark.parametrize("seconds", [3_600, -3_600])
def test_a_clock_that_jumps_kills_nobody(engine: Engine, clock: JumpingClock, seconds: int) -> None:
    """A machine that was suspended wakes up with a wall clock far ahead and a monotonic one that stood still."""
    hands = Hands(engine, AWAY)
    task = claimed(engine, hands)
    watch(engine, clock, 2 * LEASE, hands)
    clock.jump(seconds)
    assert engine.sweep() == 0
    assert engine.beat(hands.number, []).known
    assert watch(engine, clock, 2 * LEASE, hands) == 0
    assert state(engine, task) == "in_progress"


def test_one_process_at_a_time_sweeps(
    engine: Engine, another_engine: Callable[[], Engine], clock: JumpingClock
) -> None:  # fmt: skip
    other = another_engine()
    assert engine.sweep() == 0, "takes the duty"
    me = this_process()
    claimed(engine, Hands(engine, me._replace(started=1)))
    assert other.sweep() == 0, "somebody else's duty"
    assert engine.sweep() == 1
    claimed(engine, Hands(engine, me._replace(started=2)))
    engine.stop_sweeping()
    assert other.sweep() == 2, "handed over: the step that was freed before is lost again"
    claimed(engine, Hands(engine, me._replace(started=3)))
    assert engine.sweep() == 0
    clock.advance(6)
    assert engine.sweep() == 3, "the other one didn't renew it"


def test_a_lost_attempt_is_spent_and_told(engine: Engine) -> None:
    dead = Hands(engine, this_process()._replace(started=1), name="till-3")
    task = claimed(engine, dead)
    engine.sweep()
    step = engine.views.steps(task)[0]
    assert (step["current_state"], step["attempts"]) == ("enqueued", 1)
    (told,) = step["history"]
    assert (told["ending"], told["state"], told["worker_uuid"]) == ("lost", "enqueued", dead.uuid)
    assert told["reason"] == "worker_lost: attempt 1 of 50, runs again"
    assert "worker till-3" in step["results"]["error"]["message"]
    assert step["results"]["error"]["error_type"] == "worker_lost"
    lease = Hands(engine).claim()["pay"]
    assert (lease.attempt, lease.crashes) == (2, 1)


def test_the_last_attempt_is_not_run_again(engine: Engine) -> None:
    engine.catalog.register(flow({"pay": []}, name="once", retry={"max_attempts": 1}), replace=False)
    (created,) = engine.create([wish(engine, name="once")])
    Hands(engine, this_process()._replace(started=1)).claim()
    assert engine.sweep() == 1
    assert state(engine, created.task) == "error"
    assert engine.views.task(created.task)["status"] == "blocked_by_failures"


def test_three_lost_workers_in_a_row_end_a_step_and_are_named(engine: Engine) -> None:
    (created,) = engine.create([wish(engine)])
    task, dead = created.task, []
    for n in (1, 2, 3):
        dead.append(Hands(engine, this_process()._replace(started=n), name=f"till-{n}"))
        assert dead[-1].claim_all()
        assert engine.sweep() == 1
    step = engine.views.steps(task)[0]
    assert (step["current_state"], step["attempts"]) == ("error", 3)
    assert step["results"]["error"]["error_type"] == "worker_lost"
    assert step["history"][-1]["reason"] == "worker_lost: 3 workers in a row were lost while running this step"
    ((_, number, no, reason, detail, status, *_),) = tables(engine.store, "dead_letters")["dead_letters"]
    assert (number, no, reason, status) == (engine.number(task), 1, "worker_lost", "pending")
    assert json.loads(detail)["workers"] == [f"till-{n} ({hands.uuid})" for n, hands in enumerate(dead, 1)]


def test_a_failure_of_its_own_between_losses_starts_the_count_anew(engine: Engine, clock: JumpingClock) -> None:
    task = claimed(engine, Hands(engine, this_process()._replace(started=1)))
    for round_ in range(2, 7):
        engine.sweep()
        if round_ % 2:
            lease = Hands(engine).claim()["pay"]
            Hands(engine).report(failed(lease))
            clock.advance(60)
            engine.enqueue_due("test")
        assert Hands(engine, this_process()._replace(started=round_)).claim_all()
    engine.sweep()
    assert state(engine, task) == "enqueued"
    assert tables(engine.store, "dead_letters")["dead_letters"] == []


def test_a_worker_that_was_swept_hears_of_it_and_its_late_result_is_refused(
    engine: Engine, clock: JumpingClock
) -> None:  # fmt: skip
    hands = Hands(engine, AWAY)
    (created,) = engine.create([wish(engine)])
    lease = hands.claim()["pay"]
    assert watch(engine, clock, LEASE + 1) == 1
    heard = engine.beat(hands.number, [lease.key])
    assert not heard.known and heard.lost == {lease.key}
    assert hands.claim_all() == [], "it must register again"
    assert hands.answer(ok(lease)) is Settled.LOST
    other = Hands(engine)
    assert other.answer(ok(other.claim()["pay"])) is Settled.APPLIED
    assert engine.views.task(created.task)["status"] == "complete"


def test_more_than_a_batch_of_abandoned_steps_is_freed(engine: Engine) -> None:
    engine.create([wish(engine, context={"n": n}) for n in range(450)])
    dead = Hands(engine, this_process()._replace(started=1))
    assert len(dead.claim_all(room=1_000)) == 450
    assert engine.sweep() == 450
    assert len(Hands(engine).claim_all(room=1_000)) == 450


def test_a_worker_that_ended_by_itself_leaves_its_steps_to_the_sweep(engine: Engine) -> None:
    hands = Hands(engine, AWAY)
    task = claimed(engine, hands)
    engine.store.workers.end(hands.number)
    assert engine.sweep() == 1
    assert state(engine, task) == "enqueued"


def test_a_draining_worker_keeps_what_it_holds(engine: Engine, clock: JumpingClock) -> None:
    hands = Hands(engine, AWAY)
    engine.create([wish(engine)])
    lease = hands.claim()["pay"]
    engine.store.workers.drain(hands.number)
    assert watch(engine, clock, 2 * LEASE, hands) == 0
    assert hands.answer(ok(lease)) is Settled.APPLIED
