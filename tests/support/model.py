"""The engine as it should be, in memory and made of the pure rules alone: what histories are compared with.

Tasks are numbered from 1 in the order of their creation, workers as whoever plays the history likes. A lease key names
a task by that number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tasker_core.rules import batch_outcome, expand
from tasker_core.rules.batch_outcome import NewBatch
from tasker_core.rules.batches import FAIL_FAST, ISOLATE, Slots, index_of, instance_no, worker_of
from tasker_core.rules.expand import NewStep
from tasker_core.rules.mend import Undo
from tasker_core.rules.rank import rank
from tasker_core.rules.states import task_state
from tasker_core.rules.verdict import decide
from tasker_core.words import (
    Attempted,
    Ending,
    JsonText,
    LeaseKey,
    Micros,
    Outcome,
    Pause,
    Settled,
    StepError,
    StepState,
    TaskState,
    Verdict,
)
from tests.support.model_plan import Wish

ROLL = 0.5
REFUSED = "late report refused: the lease was lost"
HELD_BACK = "held back: an instance of its batch failed (fail_fast)"


class Attempt(NamedTuple):
    """An attempt that ended. ``error`` is left out where a worker was lost: it names that worker."""

    attempt: int
    ending: Ending
    state: StepState
    worker: int
    enqueued_at: Micros
    claimed_at: Micros
    ended_at: Micros
    reason: str
    result: JsonText | None
    error: JsonText | None


@dataclass
class Step:
    state: StepState
    run_at: Micros
    enqueued_at: Micros
    attempt: int = 0
    fence: int = 0
    crashes: int = 0
    epoch: int = 0
    worker: int = 0
    claimed_at: Micros = 0
    ended_at: Micros = 0
    name: str = ""
    piece: JsonText | None = None
    checkpoint: JsonText | None = None
    is_held: bool = False
    """An instance of a batch that isn't let in, or was held back."""
    is_paused: bool = False
    """No worker is offered it: its task was paused before it was done."""


@dataclass
class Task:
    number: int
    wish: Wish
    rank: int
    steps: dict[int, Step]
    parents: dict[int, Sequence[int]]
    state: TaskState = TaskState.STEPS_IN_PROCESS
    attempts: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    transitions: list[tuple[int, str, str, Micros, str, str]] = field(default_factory=list)
    batches: dict[int, Slots] = field(default_factory=dict)
    """By the number of the worker step."""
    pause: Pause | None = None
    undo: Undo = Undo.NONE

    def waits(self, no: int) -> int:
        """How many parents of a step aren't done, and one more for one that is held."""
        return sum(not self.steps[parent].state.satisfies for parent in self.parents[no]) + self.steps[no].is_held

    def instances(self, worker: int) -> list[int]:
        """The numbers of the instances of a worker step."""
        return [no for no in self.steps if worker_of(no) == worker]

    def result(self, no: int) -> JsonText | None:
        return self.attempts[no, self.steps[no].fence].result


class Hold(NamedTuple):
    """A claimed step as its worker is told of it."""

    attempt: int
    crashes: int
    step: str
    lane: str
    rank: int
    inputs: Mapping[str, JsonText | None]
    piece: JsonText | None = None
    checkpoint: JsonText | None = None


class Asked(NamedTuple):
    """A claim: who asks for how many steps of which lanes, and the ancestors whose results go along."""

    worker: int
    lanes: tuple[str, ...]
    room: int
    wants: tuple[str, ...] = ()


class Answer(NamedTuple):
    """What reports and a claim are answered."""

    answers: Mapping[LeaseKey, Settled]
    claimed: Mapping[LeaseKey, Hold]


class ExistsError(Exception):
    """The task with this UUID is the one that was asked for."""


class NotNowError(Exception):
    """The state of a task or step doesn't allow this."""


class Model:
    """Tasks, their steps and workers."""

    def __init__(self) -> None:
        self.tasks: dict[int, Task] = {}
        self.workers: dict[int, str] = {}
        self.held: dict[LeaseKey, Hold] = {}
        """Every claim there ever was."""
        self.dead: list[tuple[int, int, str]] = []
        self.is_paused = False
        self.limits: dict[str, int] = {}
        """The namespace of all tasks."""

    def steps(self) -> Iterator[Step]:
        """Every step of every task."""
        return (step for task in self.tasks.values() for step in task.steps.values())

    def create(self, wishes: Sequence[Wish], now: Micros, *, refuse_duplicates: bool) -> list[tuple[str, bool]]:
        """(UUID, whether it is a task of this call) for each wish. Raises ExistsError, and then nothing was made."""
        known = {task.wish.identity: task.wish.uuid for task in self.tasks.values()}
        if refuse_duplicates:
            seen = dict(known)
            for wish in wishes:
                if seen.get(wish.identity, wish.uuid) != wish.uuid:
                    raise ExistsError(seen[wish.identity])
                seen[wish.identity] = wish.uuid
        answers = []
        for wish in wishes:
            new = wish.identity not in known
            if new:
                known[wish.identity] = wish.uuid
                self._add(wish, now)
            answers.append((known[wish.identity], new))
        return answers

    def _add(self, wish: Wish, now: Micros) -> None:
        parents: dict[int, Sequence[int]] = {no: wish.plan.parents[no] for no in sorted(wish.plan.growth.initial)}
        steps = {
            no: Step(StepState.PENDING, now, 0, name=f"s{no}")
            if before
            else Step(StepState.ENQUEUED, now, now, name=f"s{no}")
            for no, before in parents.items()
        }
        number = len(self.tasks) + 1
        self.tasks[number] = Task(number, wish, rank(wish.priority, now), steps, parents)

    def claim(self, asked: Asked, now: Micros) -> dict[LeaseKey, Hold]:
        """Ready steps, in the order of the lanes and within a lane by rank."""
        claimed: dict[LeaseKey, Hold] = {}
        if self.workers[asked.worker] != "live":
            return claimed
        for lane in asked.lanes:
            for task, no in self.queue(lane)[: min(asked.room - len(claimed), self.places(lane))]:
                step = task.steps[no]
                step.state, step.worker, step.claimed_at = StepState.IN_PROGRESS, asked.worker, now
                step.attempt += 1
                step.fence += 1
                plan = task.wish.plan
                inputs = plan.inputs(no, asked.wants).union(*map(task.instances, plan.converges_on(no)))
                key = LeaseKey(task.number, no, step.fence)
                there = [no for no in sorted(inputs) if no in task.steps and task.steps[no].state.satisfies]
                claimed[key] = self.held[key] = Hold(
                    step.attempt, step.crashes, step.name, lane, task.rank,
                    {task.steps[no].name: task.result(no) for no in there}, step.piece, step.checkpoint,
                )  # fmt: skip
        return claimed

    def places(self, lane: str) -> int:
        """How many more steps of ``lane`` may begin."""
        running = sum(
            step.state is StepState.IN_PROGRESS and task.wish.plan.lane(no) == lane
            for task in self.tasks.values()
            for no, step in task.steps.items()
        )
        return max(0, self.limits.get(lane, 1_000_000) - running)

    def queue(self, lane: str) -> list[tuple[Task, int]]:
        """What waits in ``lane``, the next first."""
        waiting = [
            (task.rank, no, task.number)
            for task in self.tasks.values()
            for no, step in task.steps.items()
            if step.state is StepState.ENQUEUED
            and task.wish.plan.lane(no) == lane
            and not (step.is_paused or self.is_paused)
        ]
        return [(self.tasks[number], no) for _, no, number in sorted(waiting)]

    def settle(self, outcomes: Sequence[Outcome], actor: str, now: Micros, asked: Asked | None = None) -> Answer:
        """Apply ``outcomes``, of two for the same lease the first, then claim; see ``Answer``.

        All at once but for decisions and analyzers, each of which is settled alone, after the others.
        """
        said: dict[LeaseKey, Outcome] = {}
        for outcome in outcomes:
            said.setdefault(outcome.key, outcome)
        deciding = {key: outcome for key, outcome in said.items() if self._decides(outcome)}
        plain = {key: outcome for key, outcome in said.items() if key not in deciding}
        groups = [*([plain] if plain else []), *({key: outcome} for key, outcome in deciding.items())]
        answers: dict[LeaseKey, Settled] = {}
        claimed: dict[LeaseKey, Hold] = {}
        for n, group in enumerate(groups or [plain], 1):
            done = self._settle(group, actor, now, asked if n >= len(groups) else None)
            answers |= done.answers
            claimed |= done.claimed
        return Answer(answers, claimed)

    def _decides(self, outcome: Outcome) -> bool:
        plan = self.tasks[outcome.key.task].wish.plan
        return outcome.ending is Ending.OK and outcome.key.no in plan.growth.openers

    def _settle(self, said: dict[LeaseKey, Outcome], actor: str, now: Micros, asked: Asked | None) -> Answer:
        born: Sequence[NewStep] = ()
        batch: NewBatch | None = None
        for key, outcome in said.items():
            if self._decides(outcome):
                task = self.tasks[key.task]
                plan, states = task.wish.plan, {no: str(step.state) for no, step in task.steps.items()}
                if key.no in plan.growth.decisions:
                    said[key], born = expand.carry_out(plan.growth, outcome, states)
                else:
                    said[key], born, batch = batch_outcome.carry_out(plan.growth, plan.template, outcome, states)
        verdicts = {key: self._verdict(outcome, now) for key, outcome in said.items()}
        applied = [key for key, verdict in verdicts.items() if self._apply(verdict, said[key].ending, now)]
        for key in applied:
            self._bear(key, born, batch, now)
        self._end_instances(verdicts, applied, now)
        self._free({key.task for key in applied if verdicts[key].state.satisfies}, now)
        self._hold_back(verdicts.values(), actor, now)
        moved = self._rest({key.task for key in said}, actor, "", now)
        self._turn(moved, actor, now + 1, by_itself=True)
        claimed = self.claim(asked, now) if asked else {}
        answers = {
            key: Settled.APPLIED if key in applied else self._refuse(verdict, said[key].ending, actor, now)
            for key, verdict in verdicts.items()
        }
        return Answer(answers, claimed)

    def _verdict(self, outcome: Outcome, now: Micros) -> Verdict:
        task, no, _ = outcome.key
        plan, hold = self.tasks[task].wish.plan.step(no), self.held[outcome.key]
        return decide(outcome, Attempted(hold.attempt, plan.retry, hold.crashes, plan.max_crashes), now, ROLL)

    def _apply(self, verdict: Verdict, ending: Ending, now: Micros) -> bool:
        task, no, fence = self.tasks[verdict.key.task], verdict.key.no, verdict.key.fence
        step = task.steps.get(no)
        if step is None or step.state is not StepState.IN_PROGRESS or step.fence != fence:
            return False
        task.attempts[no, fence] = Attempt(
            step.attempt, ending, verdict.state, step.worker, step.enqueued_at, step.claimed_at, now, verdict.reason,
            verdict.result, None if ending is Ending.LOST else verdict.error,
        )  # fmt: skip
        step.state, step.run_at, step.ended_at, step.crashes = verdict.state, verdict.run_at, now, verdict.crashes
        step.attempt -= 0 if verdict.spends_attempt else 1
        step.checkpoint = step.checkpoint if verdict.checkpoint is None else verdict.checkpoint
        if verdict.state is StepState.ENQUEUED:
            step.enqueued_at = now
        if verdict.death and task.number not in {number for number, _, _ in self.dead}:
            self.dead.append((task.number, no, str(verdict.death)))
        return True

    def _bear(self, opener: LeaseKey, born: Sequence[NewStep], batch: NewBatch | None, now: Micros) -> None:
        task, names = self.tasks[opener.task], batch.names if batch else {}
        slots = Slots.of(len(names), batch.plan.parallelism) if batch else None
        for new in born:
            task.parents[new.no] = new.parents
            is_held = new.no in names and slots is not None and index_of(new.no) >= slots.next
            # One that was there before a restart goes on with its fences.
            fence = max((fence for no, fence in task.attempts if no == new.no), default=0)
            task.steps[new.no] = Step(
                StepState.PENDING, now, 0, fence=fence, epoch=task.steps[opener.no].epoch,
                name=names.get(new.no, f"s{new.no}"), piece=batch.inputs.get(new.no) if batch else None,
                is_held=is_held, is_paused=task.steps[opener.no].is_paused,
            )  # fmt: skip
        if batch is not None and slots is not None:
            task.batches[batch.plan.worker] = slots

    def _end_instances(self, verdicts: Mapping[LeaseKey, Verdict], applied: Sequence[LeaseKey], now: Micros) -> None:
        """Instances that ended give up their places; the failed ones may halt their batch, or be set aside."""
        ended: dict[tuple[int, int], list[StepState]] = {}
        for key in applied:
            task, state = self.tasks[key.task], verdicts[key].state
            batch = task.wish.plan.batch_of(key.no)
            if batch is None or not (state.satisfies or state is StepState.ERROR):
                continue
            ended.setdefault((key.task, batch.worker), []).append(state)
            if state is StepState.ERROR and batch.strategy == ISOLATE:
                task.parents = {no: [p for p in parents if p != key.no] for no, parents in task.parents.items()}
                self._free({key.task}, now)
        for (number, worker), states in ended.items():
            batch = self.tasks[number].wish.plan.growth.batches[worker]
            slots = self.tasks[number].batches[worker]
            halt = batch.strategy == FAIL_FAST and StepState.ERROR in states
            self._let_in(number, worker, slots.ended(len(states), halt=halt), now)

    def _let_in(self, number: int, worker: int, slots: Slots, now: Micros) -> None:
        task = self.tasks[number]
        for index in range(task.batches[worker].next, slots.next):
            task.steps[instance_no(worker, index)].is_held = False
        task.batches[worker] = slots
        self._free({number}, now)

    def _hold_back(self, verdicts: Iterable[Verdict], actor: str, now: Micros) -> None:
        """Of batches that are halted nothing begins, and nothing is retried."""
        for number in {verdict.key.task for verdict in verdicts}:
            task = self.tasks[number]
            for worker, slots in task.batches.items():
                for no in task.instances(worker) if slots.halted else ():
                    step = task.steps[no]
                    if step.state in (StepState.ENQUEUED, StepState.WAITING_FOR_RETRY):
                        task.transitions.append((no, step.state, StepState.PENDING, now, actor, HELD_BACK))
                        step.state, step.is_held = StepState.PENDING, True

    def _free(self, tasks: Iterable[int], now: Micros) -> None:
        """What waits for nothing any more may run."""
        for number in tasks:
            task = self.tasks[number]
            for no, step in task.steps.items():
                if step.state is StepState.PENDING and not task.waits(no):
                    step.state, step.enqueued_at = StepState.ENQUEUED, now

    def _turn(self, tasks: Sequence[int], actor: str, now: Micros, *, by_itself: bool) -> None:
        """What follows in tasks that came to rest: nothing, without operators and what they can say."""

    def _rest(self, tasks: set[int], actor: str, reason: str, now: Micros) -> Sequence[int]:
        """The tasks that moved."""
        moved = []
        for number in tasks:
            task = self.tasks[number]
            became = task.state if task.state.is_final else task_state([step.state for step in task.steps.values()])
            if became is not task.state:
                task.transitions.append((0, task.state, became, now, actor, reason))
                task.state = became
                moved.append(number)
        return moved

    def _refuse(self, verdict: Verdict, ending: Ending, actor: str, now: Micros) -> Settled:
        task, no = self.tasks[verdict.key.task], verdict.key.no
        before = task.attempts.get((no, verdict.key.fence))
        if before and (before.ending, before.result, before.error) == (ending, verdict.result, verdict.error):
            return Settled.REPLAYED
        state = task.steps[no].state if no in task.steps else StepState.CANCELLED
        task.transitions.append((no, state, state, now, actor, REFUSED))
        return Settled.CANCELLED if task.state is TaskState.CANCELLED else Settled.LOST

    def sweep(self, now: Micros) -> int:
        """What workers that are gone left behind runs again or ends; how many steps."""
        left = [
            Outcome(LeaseKey(task.number, no, step.fence), Ending.LOST, error=StepError("lost", "worker_lost"))
            for task in self.tasks.values()
            for no, step in task.steps.items()
            if step.state is StepState.IN_PROGRESS and self.workers[step.worker] == "gone"
        ]
        self.settle(left, "sweeper", now)
        return len(left)

    def enqueue_due(self, actor: str, now: Micros) -> int:
        """Steps whose retry time has come may run; how many."""
        due = [
            (task, step)
            for task in self.tasks.values()
            for step in task.steps.values()
            if step.state is StepState.WAITING_FOR_RETRY and step.run_at <= now
        ]
        for _, step in due:
            step.state, step.enqueued_at = StepState.ENQUEUED, now
        self._rest({task.number for task, _ in due}, actor, "", now)
        return len(due)

    def cancel(self, number: int, actor: str, reason: str, now: Micros) -> None:
        """Nothing of this task runs again. Raises NotNowError for a final one."""
        task = self.tasks[number]
        if task.state.is_final:
            raise NotNowError
        task.transitions.append((0, task.state, TaskState.CANCELLED, now, actor, reason))
        task.state = TaskState.CANCELLED
        for no, step in task.steps.items():
            if not step.state.is_final:
                task.transitions.append((no, step.state, StepState.CANCELLED, now, actor, reason))
                step.state, step.ended_at = StepState.CANCELLED, now
