"""Reset: a step that failed runs again, and its task goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine, TaskRequest
from tasker_core.errors import StepNotFoundError, TaskNotFoundError, TaskStateError
from tasker_core.rules.template import Template
from tasker_core.store import Store, open_database
from tasker_core.store.rows import WorkerRow
from tasker_core.words import ClaimRequest, Ending, Lease, Outcome, Report, Settled, StepError, Word

TASK = "01980000-0000-7000-8000-000000000001"
LANES = ("shop/check", "shop/pay", "shop/stock", "shop/send")


class Shop:
    """check, then pay and stock, then send; each step is tried twice at most."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        steps = {"check": [], "pay": ["check"], "stock": ["check"], "send": ["pay", "stock"]}
        content = {
            "name": "order", "namespace_name": "shop", "version": "1.0.0",
            "steps": [
                {"name": name, "handler": {"callable": name}, "dependencies": parents, "retry": {"max_attempts": 2}}
                for name, parents in steps.items()
            ],
        }  # fmt: skip
        engine.catalog.register(Template.from_content(content), replace=False)
        engine.create([TaskRequest(name="order", task_uuid=TASK, namespace="shop")])
        now = engine.clock.now()
        row = WorkerRow(0, engine.ids.new(), "w", "elsewhere", "boot", 1, 1, "0", 10, "[]", "live", now, now)
        self.worker = engine.store.workers.register(row)

    def claim(self, *names: str) -> dict[str, Lease]:
        lanes = [f"shop/{name}" for name in names] or LANES
        return {lease.step: lease for lease in self.engine.claim(ClaimRequest(self.worker, lanes, 10)).leases}

    def settle(self, *outcomes: tuple[Lease, Outcome]) -> set[Settled]:
        reports = [Report(o, lease.template, lease.step, lease.attempt, lease.crashes) for lease, o in outcomes]
        return set(self.engine.settle(reports, "worker w").answers.values())

    def run(self, *names: str, fail: str = "") -> dict[str, Lease]:
        """Claim what is ready of these steps and finish it, except ``fail``, which fails for good."""
        leases = self.claim(*names)
        self.settle(*((lease, failed(lease) if name == fail else ok(lease)) for name, lease in leases.items()))
        return leases

    @property
    def state(self) -> str:
        return self.engine.store.tasks.states([self.number])[self.number]

    @property
    def steps(self) -> dict[str, tuple[str, int, int, int]]:
        """state, attempt, crashes and waits of each step."""
        rows = self.engine.store.tasks.steps([self.number])[0][self.number]
        return {row.name: (row.state, row.attempt, row.crashes, row.waits) for row in rows}

    @property
    def number(self) -> int:
        return self.engine.number(TASK)

    def told(self) -> list[tuple[int, str, str, str, str]]:
        rows = self.engine.store.tasks.transitions(self.number)
        return [(row.no, row.from_state, row.to_state, row.actor, row.reason) for row in rows]


def ok(lease: Lease) -> Outcome:
    return Outcome(lease.key, Ending.OK, result=f'{{"result":"{lease.step} {lease.attempt}"}}')


def failed(lease: Lease) -> Outcome:
    return Outcome(lease.key, Ending.FAILED, error=StepError("declined", "card", retryable=False))


@pytest.fixture
def shop(store_url: str) -> Iterator[Shop]:
    database = open_database(store_url)
    database.migrate()
    engine = Engine(Store(database), clock=ManualClock())
    yield Shop(engine)
    engine.close()


def test_a_reset_step_and_its_task_go_on_to_the_end(shop: Shop) -> None:
    shop.run()
    shop.run(fail="pay")
    assert shop.state == "blocked_by_failures"
    shop.engine.operator.reset(TASK, "pay", Word("ann", "the bank is back"))
    assert shop.state == "steps_in_process"
    assert shop.steps["pay"] == ("enqueued", 0, 0, 0)
    assert shop.steps["send"] == ("pending", 0, 0, 1)
    leases = shop.claim()
    assert set(leases) == {"pay"} and leases["pay"].attempt == 1
    assert leases["pay"].dependency_results == {"check": '{"result":"check 1"}'}
    shop.settle((leases["pay"], ok(leases["pay"])))
    assert set(shop.run()) == {"send"}
    assert shop.state == "complete"
    assert [a.ending for a in shop.engine.store.tasks.attempts(shop.number) if a.no == 2] == ["failed", "ok"]


def test_it_is_written_down_who_reset_and_why(shop: Shop) -> None:
    shop.run(fail="check")
    before = shop.told()
    shop.engine.operator.reset(TASK, "check", Word("ann", "typo in the cart"))
    assert sorted(shop.told()) == sorted([
        *before,
        (0, "blocked_by_failures", "steps_in_process", "ann", "typo in the cart"),
        (1, "error", "enqueued", "ann", "typo in the cart"),
    ])  # fmt: skip


def test_a_task_whose_other_branch_still_runs_stays_where_it_is(shop: Shop) -> None:
    shop.run()
    shop.run("pay", fail="pay")
    assert shop.state == "steps_in_process"
    shop.engine.operator.reset(TASK, "pay", Word("ann"))
    assert [no for no, *_ in shop.told()] == [2]
    shop.run()
    shop.run()
    assert shop.state == "complete"


def test_a_late_report_of_the_failed_attempt_changes_nothing(shop: Shop) -> None:
    lost = shop.run(fail="check")["check"]
    shop.engine.operator.reset(TASK, "check", Word("ann"))
    assert shop.settle((lost, failed(lost))) == {Settled.REPLAYED}
    assert shop.settle((lost, ok(lost))) == {Settled.LOST}
    assert shop.steps["check"] == ("enqueued", 0, 0, 0)


def test_a_reset_step_has_all_its_attempts_again(shop: Shop) -> None:
    for _ in range(2):
        for attempt in (1, 2):
            lease = shop.claim()["check"]
            assert lease.attempt == attempt
            shop.settle((lease, Outcome(lease.key, Ending.TIMED_OUT, error=StepError("slow", "timeout"))))
            if attempt == 1:
                assert isinstance(shop.engine.clock, ManualClock)
                shop.engine.clock.advance(60)
                shop.engine.enqueue_due("timer")
        assert shop.state == "blocked_by_failures"
        shop.engine.operator.reset(TASK, "check", Word("ann"))


def test_only_a_failed_step_can_be_reset(shop: Shop) -> None:
    with pytest.raises(TaskStateError, match=r"step 'check' of task .* is enqueued; only a step in error can be reset"):
        shop.engine.operator.reset(TASK, "check", Word("ann"))
    with pytest.raises(StepNotFoundError, match="has no step 'chekc'; did you mean 'check'"):
        shop.engine.operator.reset(TASK, "chekc", Word("ann"))
    with pytest.raises(TaskNotFoundError):
        shop.engine.operator.reset(TASK[:-1] + "9", "check", Word("ann"))
    assert shop.told() == []


def test_a_step_of_a_cancelled_task_stays_as_it_is(shop: Shop) -> None:
    shop.run(fail="check")
    shop.engine.cancel(TASK, actor="ann")
    before = shop.told()
    with pytest.raises(TaskStateError, match=f"task {TASK} is cancelled already; only a step of an unfinished task"):
        shop.engine.operator.reset(TASK, "check", Word("ann"))
    assert shop.told() == before
    assert shop.steps["check"][0] == "error"


def test_a_process_that_remembers_reads_again_after_a_reset_elsewhere(shop: Shop) -> None:
    shop.run()
    shop.run(fail="pay")
    other = Engine(shop.engine.store, clock=shop.engine.clock)
    other.operator.reset(TASK, "pay", Word("ann"))
    assert {row.epoch for row in shop.engine.store.steps.held_by(shop.worker).values()} == set()
    lease = shop.claim()["pay"]
    assert {row.epoch for row in shop.engine.store.steps.held_by(shop.worker).values()} == {1}
    assert lease.dependency_results == {"check": '{"result":"check 1"}'}


def test_waiting_workers_of_this_process_hear_of_it(shop: Shop) -> None:
    heard: list[str] = []

    class Ear:
        def hint(self, lanes: object) -> None:
            heard.append(str(lanes))

        def wish(self, lanes: object) -> None:
            return None

        def take(self, leases: object) -> None:
            raise AssertionError("nothing was wished for")

    shop.run(fail="check")
    end = shop.engine.wake.listen(Ear())
    shop.engine.operator.reset(TASK, "check", Word("ann"))
    end()
    assert len(heard) == 1 and "shop/check" in heard[0]
