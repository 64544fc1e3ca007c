"""Histories: what clients, workers and operators may do, in any order, on the pure rules and on real databases."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations
from typing import ClassVar, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tasker_core.clock import SECOND, ManualClock
from tasker_core.rules.mend import Undo
from tasker_core.store import Store
from tasker_core.words import Ending, LeaseKey, Outcome, Settled, StepError, StepState, lane_of
from tests.race.beside import Beside
from tests.race.plans import HANDLERS, plans
from tests.race.player import Player, expected
from tests.race.soundness import difference, sound
from tests.support.batches import cursors
from tests.support.model import Asked, ExistsError, NotNowError, Step
from tests.support.model_operator import OperatedModel
from tests.support.model_plan import NAMESPACE, Plan, Wish

LANES = [lane_of(NAMESPACE, handler) for handler in HANDLERS]
MOST_TASKS = 5

T = TypeVar("T")
Database = tuple[str, Store, Beside]

picks = st.integers(0, 999)
"""Chooses among what there is when the time comes."""

outcomes = st.sampled_from(
    ["ok", "ok", "permanent", "retryable", "released", "permanent", "timeout", "later", "retryable", "yielded"]
)
claims = st.builds(
    Asked,
    worker=picks,
    lanes=st.sampled_from([*permutations(LANES), *permutations(LANES, 2), *permutations(LANES, 1)]),
    room=st.sampled_from([3, 1, 2, 5, 8]),
    wants=st.sampled_from([(), (), ("s1",), ("s2", "s1", "s3")]),
)


class Refusal(NamedTuple):
    """A call that was refused, and what the error said."""

    kind: str
    said: str


def told(call: Callable[[], T]) -> T | Refusal:
    try:
        return call()
    except (ExistsError, NotNowError) as error:
        return Refusal(type(error).__name__, str(error))


class History(RuleBasedStateMachine):
    """What clients, workers and operators may do, in any order."""

    tried: ClassVar[Counter[str]] = Counter()
    databases: ClassVar[Sequence[Database]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.model = OperatedModel()
        self.players = [Player(name, store, beside, self.clock) for name, store, beside in self.databases]
        self.plans: list[Plan] = []
        self.sent: list[Outcome] = []
        self.results = 0
        self.asked_again = 0
        self.agreed = True

    @initialize(one=plans("one"), other=plans("other"))
    def begin(self, one: Plan, other: Plan) -> None:
        self.plans = [one, other]
        for plan in self.plans:
            for lane, limit in plan.limits.items():
                self.model.limits[lane] = min(limit, self.model.limits.get(lane, limit))
        self.tried["histories with limits"] += bool(self.model.limits)
        for player in self.players:
            player.register(one)
            player.register(other)
        self.hire()
        self.hire()
        self.create([(0, 1)], 0, refuse=True)

    def hire(self) -> None:
        worker = len(self.model.workers) + 1
        self.model.workers[worker] = "live"
        for player in self.players:
            player.hire(worker)

    # Clients

    @precondition(lambda self: len(self.model.tasks) < MOST_TASKS)
    @rule(
        orders=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9)), min_size=1, max_size=3),
        priority=st.integers(-3, 3),
        refuse=st.booleans(),
    )
    def create(self, orders: list[tuple[int, int]], priority: int, refuse: bool) -> None:
        first = len(self.model.tasks)
        wishes = [
            Wish(str(uuid.UUID(int=1_000_000 + self.results + n)), self.plans[plan], order, priority - n)
            for n, (plan, order) in enumerate(orders[: MOST_TASKS - first])
        ]
        self.results += len(wishes)
        self.ask_for(wishes, refuse=refuse)
        self.tried["tasks"] += len(self.model.tasks) - first

    @precondition(lambda self: self.model.tasks and self.asked_again < 3)
    @rule(which=picks, same=st.booleans(), refuse=st.booleans())
    def create_again(self, which: int, same: bool, refuse: bool) -> None:
        """The same task is asked for again: the same call because its answer was lost, or by somebody else."""
        self.asked_again += 1
        wish = self.any_task(which)
        if not same:
            self.results += 1
            wish = wish._replace(uuid=str(uuid.UUID(int=1_000_000 + self.results)))
        self.ask_for([wish], refuse=refuse)
        self.tried["tasks asked for again"] += 1

    def ask_for(self, wishes: Sequence[Wish], *, refuse: bool) -> None:
        self.agree_on(
            lambda: self.model.create(wishes, self.clock.now(), refuse_duplicates=refuse),
            lambda player: player.create(wishes, refuse_duplicates=refuse),
        )
        for player in self.players:
            player.learn_numbers(self.model)
        # Two tasks of one millisecond and priority may stand in any order.
        self.clock.advance(0.001)

    # Workers

    @precondition(lambda self: self.model.tasks)
    @rule(asked=claims)
    def claim_some(self, asked: Asked) -> None:
        self.claim(self.by_somebody(asked))

    def claim(self, asked: Asked) -> None:
        self.all_look()
        claimed = self.agree_on(lambda: self.model.claim(asked, self.clock.now()), lambda player: player.claim(asked))
        self.tried["steps claimed"] += len(claimed or ())

    @precondition(lambda self: self.held())
    @rule(which=st.lists(st.tuples(picks, outcomes), min_size=1, max_size=8), asked=st.none() | claims)
    def report(self, which: list[tuple[int, str]], asked: Asked | None) -> None:
        held = self.held()
        self.settle([self.outcome(held[n % len(held)], how) for n, how in which], asked)

    @precondition(lambda self: self.held())
    @rule(which=st.lists(picks, min_size=1, max_size=8), asked=claims)
    def go_on(self, which: list[int], asked: Asked) -> None:
        """What a worker does all day: hand in what is done and take the next."""
        held = self.held()
        self.settle([self.outcome(held[n % len(held)], "ok") for n in which], asked)

    @precondition(lambda self: self.held())
    @rule(asked=claims)
    def finish_all(self, asked: Asked) -> None:
        self.settle([self.outcome(key, "ok") for key in self.held()], asked)

    @precondition(lambda self: self.model.held)
    @rule(
        late=st.lists(st.tuples(picks, outcomes), min_size=1, max_size=3),
        valid=st.lists(st.tuples(picks, outcomes), max_size=3),
        asked=st.none() | claims,
    )
    def report_late(self, late: list[tuple[int, str]], valid: list[tuple[int, str]], asked: Asked | None) -> None:
        """Leases that are over, and some that aren't, of the same steps if there are any, in one batch."""
        held = self.held()
        past = [key for key in self.model.held if key not in held] or held
        both = [(past[n % len(past)], how) for n, how in late]
        places = {key[:2] for key, _ in both}
        held = [key for key in held if key[:2] in places] or held
        both += [(held[n % len(held)], how) for n, how in valid if held]
        self.settle([self.outcome(key, how) for key, how in both], asked)

    @precondition(lambda self: self.held())
    @rule(which=picks, how=outcomes, others=outcomes, both=st.booleans())
    def come_back(self, which: int, how: str, others: str, both: bool) -> None:
        """A worker that was given up for dead reports what another one has claimed meanwhile."""
        held = self.held()
        lost = held[which % len(held)]
        self.stop(self.model.tasks[lost.task].steps[lost.no].worker, "gone")
        self.sweep()
        self.claim(Asked(len(self.model.workers), tuple(LANES), 20))
        claimed = [key for key in self.held() if key[:2] == lost[:2]] if both else []
        self.settle([self.outcome(lost, how), *(self.outcome(key, others) for key in claimed)], None)

    @precondition(lambda self: self.sent)
    @rule(which=st.lists(picks, min_size=1, max_size=3), valid=st.lists(picks, max_size=2), twice=st.booleans())
    def report_again(self, which: list[int], valid: list[int], twice: bool) -> None:
        """Reports whose answers were lost are sent again, with fresh ones in the same batch."""
        batch, held = [self.sent[n % len(self.sent)] for n in which], self.held()
        batch += [self.outcome(held[n % len(held)], "ok") for n in valid if held]
        self.settle(batch * 2 if twice else batch, None)

    def outcome(self, key: LeaseKey, how: str) -> Outcome:
        match how:
            case "ok":
                self.results += 1
                return Outcome(key, Ending.OK, result=f'{{"result":{self.result_of(key)}}}')
            case "yielded":
                self.results += 1
                return Outcome(key, Ending.YIELDED, result=f'{{"cursor":{self.results}}}')
            case "released":
                return Outcome(key, Ending.RELEASED, reason="stopping")
            case "timeout":
                return Outcome(key, Ending.TIMED_OUT, error=StepError("it broke", "E"))
            case "later":
                return Outcome(key, Ending.FAILED, error=StepError("it broke", "E"), retry_after_us=5_000_000)
            case _:
                return Outcome(key, Ending.FAILED, error=StepError("it broke", "E", retryable=how == "retryable"))

    def result_of(self, key: LeaseKey) -> str:
        """A new number; of a decision a choice that depends on it, which now and then can't be carried out, and of an
        analyzer so many pieces."""
        plan = self.model.tasks[key.task].wish.plan
        if key.no in plan.growth.openers - plan.growth.decisions:
            return self.cut(plan, key.no)
        if key.no not in plan.growth.decisions:
            return str(self.results)
        able = [name for n, name in enumerate(plan.growth.choices(key.no)) if self.results >> n % 5 & 1]
        names = ["nowhere"] if self.results % 17 == 0 else able
        self.tried[f"decisions for {min(len(names), 2)}{'+' * (len(names) > 1)} steps"] += 1
        chosen = {"type": "create_steps", "step_names": names} if names else {"type": "no_branches"}
        return json.dumps({"decision_point_outcome": chosen, "n": self.results})

    def cut(self, plan: Plan, analyzer: int) -> str:
        workers = [no for no, batch in plan.growth.batches.items() if batch.analyzer == analyzer]
        count = self.results % 7
        self.tried["batches" if count else "batches of nothing"] += 1
        pieces = {
            "type": "create_batches", "worker_template_name": f"s{workers[self.results % len(workers)]}",
            "cursor_configs": cursors(count), "total_items": "?" if self.results % 17 == 0 else count * 10,
        }  # fmt: skip
        return json.dumps({"batch_processing_outcome": pieces if count else {"type": "no_batches"}})

    def settle(self, batch: Sequence[Outcome], asked: Asked | None) -> None:
        asked = self.by_somebody(asked) if asked else None
        answer = self.agree_on(
            lambda: self.model.settle(batch, "worker", self.clock.now(), asked),
            lambda player: player.settle(batch, "worker w", asked),
        )
        assert answer is not None
        self.sent += [each for each in batch if answer.answers[each.key] is Settled.APPLIED]
        self.tried.update(f"answered {each}" for each in answer.answers.values())
        self.tried["steps claimed along"] += len(answer.claimed)

    @rule(which=picks, ended=st.booleans())
    def stop_a_worker(self, which: int, ended: bool) -> None:
        """A worker is gone, or takes no more; another one takes its place."""
        self.stop(self.somebody(which), "gone" if ended else "draining")

    def stop(self, worker: int, state: str) -> None:
        self.model.workers[worker] = state
        for player in self.players:
            (player.end if state == "gone" else player.drain)(worker)
        self.hire()

    @precondition(lambda self: any(self.model.workers[step.worker] != "live" for step in self.running()))
    @rule()
    def sweep(self) -> None:
        freed = self.agree_on(lambda: self.model.sweep(self.clock.now()), lambda player: player.sweep())
        self.tried["steps swept"] += freed or 0

    @rule(seconds=st.sampled_from([None, 0, 0.001, 0.3, 1, 2, 8, 60]))
    def time_passes(self, seconds: float | None) -> None:
        """Some time, or exactly until the next retry is due."""
        due_at = [step.run_at for step in self.model.steps() if step.state is StepState.WAITING_FOR_RETRY]
        self.clock.advance(max(0, min(due_at, default=0) - self.clock.now()) / SECOND if seconds is None else seconds)
        due = self.agree_on(
            lambda: self.model.enqueue_due("timer", self.clock.now()), lambda player: player.enqueue_due("timer")
        )
        self.tried["retries due"] += due or 0

    # What must hold

    @invariant()
    def all_agree(self) -> None:
        should = expected(self.model)
        for player in self.players:
            holding, rows = player.holding()
            for what, there in holding.items():
                assert there == should[what], f"{player.name}: {what}\n{difference(there, should[what])}"
            sound(rows)
        self.tried["acts"] += 1
        self.agreed = True

    def all_look(self) -> None:
        """All see the same waiting in the lanes, and the same next retry."""
        waiting = {lane: queue[0][0].rank for lane in LANES if (queue := self.model.queue(lane))}
        due = [step.run_at for step in self.model.steps() if step.state is StepState.WAITING_FOR_RETRY]
        for player in self.players:
            assert player.look(LANES) == (waiting, min(due, default=None)), player.name

    def teardown(self) -> None:
        if self.agreed:
            self.come_to_rest()
        self.tried["tasks undone"] += sum(task.undo is Undo.DONE for task in self.model.tasks.values())
        self.tried["histories"] += 1

    def let_go(self) -> None:
        """What operators hold goes on."""

    def come_to_rest(self) -> None:
        """Whatever happened: with time and a worker that succeeds, every task comes to rest (I4)."""
        for worker, state in list(self.model.workers.items()):
            if state != "gone":
                self.stop(worker, "gone")
        self.let_go()
        asked = Asked(len(self.model.workers), tuple(LANES), 1_000)
        while not all(task.state.is_at_rest for task in self.model.tasks.values()):
            before = expected(self.model)
            self.sweep()
            self.time_passes(3_600)
            self.claim(asked)
            if held := self.held():
                self.settle([self.outcome(key, "ok") for key in held], None)
            self.all_agree()
            assert expected(self.model) != before, "a task is stuck"

    # Words

    def running(self) -> list[Step]:
        return [step for step in self.model.steps() if step.state is StepState.IN_PROGRESS]

    def held(self) -> list[LeaseKey]:
        return [
            LeaseKey(task.number, no, step.fence)
            for task in self.model.tasks.values()
            for no, step in task.steps.items()
            if step.state is StepState.IN_PROGRESS
        ]

    def any_task(self, which: int) -> Wish:
        return self.model.tasks[which % len(self.model.tasks) + 1].wish

    def somebody(self, which: int) -> int:
        """Nearly always a worker that lives."""
        live = [worker for worker, state in self.model.workers.items() if state == "live"]
        return which % len(self.model.workers) + 1 if which % 10 == 0 else live[which % len(live)]

    def by_somebody(self, asked: Asked) -> Asked:
        return asked._replace(worker=self.somebody(asked.worker))

    def agree_on(self, model: Callable[[], T], player: Callable[[Player], T]) -> T | None:
        """What all answer alike; None where all refuse."""
        self.agreed = False
        should = told(model)
        for each in self.players:
            answer = told(partial(player, each))
            assert answer == should, f"{each.name} answered {answer}, not {should}"
        return should if not isinstance(should, Refusal) else None
