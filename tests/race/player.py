"""Plays a history on a real engine and tells what the database holds, in the model's words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine, TaskRequest
from tasker_core.engine.operator import Operator
from tasker_core.errors import DuplicateTaskError, TaskStateError
from tasker_core.rules.template import Template
from tasker_core.store import Store
from tasker_core.store.rows import WorkerRow
from tasker_core.words import HELD, ClaimRequest, Ending, Lease, LeaseKey, Micros, Outcome, Reply, Report, Word
from tests.race.beside import Beside, Rows
from tests.support.model import ROLL, Answer, Asked, ExistsError, Hold, Model, NotNowError
from tests.support.model_plan import NAMESPACE, Plan, Wish

LEASE_TIME = 10 * 365 * 24 * 3_600 * 1_000_000
"""So long that silence alone never ends a worker: in a history they end by word."""

QUESTIONS = (
    "select id, uuid, state, total_steps, undo from tasker.tasks",
    """select task_id, no, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch, worker, enqueued_at,
         claimed_at, ended_at from tasker.steps""",
    """select task_id, no, fence, attempt, ending, state, worker, enqueued_at, claimed_at, ended_at, reason, result,
         error from tasker.attempts""",
    "select task_id, no, from_state, to_state, at, actor, reason from tasker.transitions",
    "select task_id, no, reason from tasker.dead_letters",
    "select task_id, parent, child from tasker.dependencies",
    "select task_id from tasker.task_payloads",
    "select task_id, no, parallelism, total, next, free, halted from tasker.batches",
    "select task_id, no, inputs, checkpoint from tasker.step_payloads",
    "select task_id, at, actor, reason from tasker.paused_tasks",
)

Holding = dict[str, Any]
"""What stands where, in comparable values."""


class CountedIds:
    """Ids that are the same in each run: 1, 2, 3 ..."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        return str(uuid.UUID(int=self.stamp()))

    def stamp(self) -> int:
        self._last += 1
        return self._last


class Player:
    """An engine on an emptied ``store``; tasks, workers and leases are named by the model's numbers."""

    def __init__(self, name: str, store: Store, beside: Beside, clock: ManualClock) -> None:
        self.name = name
        self._store, self._beside, self._clock = store, beside, clock
        beside.empty()
        self._ids = CountedIds()
        self.engine = Engine(store, clock=clock, ids=self._ids, roll=lambda: ROLL, lease_time=LEASE_TIME)
        self.engine.wake.tell = _nobody  # No other process listens, and each history would leave a thread behind.
        self._tasks: dict[int, int] = {}
        self._workers: dict[int, int] = {}
        self._leases: dict[LeaseKey, Lease] = {}

    def register(self, plan: Plan) -> None:
        self.engine.catalog.register(Template.from_content(plan.content()), replace=True)

    def hire(self, worker: int) -> None:
        now = self._clock.now()
        row = WorkerRow(0, self._ids.new(), "w", "elsewhere", "boot", 1, 1, "0", 10, "[]", "live", now, now)
        self._workers[worker] = self._store.workers.register(row)

    def drain(self, worker: int) -> None:
        self._store.workers.drain(self._workers[worker])

    def end(self, worker: int) -> None:
        self._store.workers.end(self._workers[worker])

    def create(self, wishes: Sequence[Wish], *, refuse_duplicates: bool) -> list[tuple[str, bool]]:
        requests = [
            TaskRequest(
                name=wish.plan.name,
                namespace=NAMESPACE,
                task_uuid=wish.uuid,
                context={"order": wish.order},
                priority=wish.priority,
            )
            for wish in wishes
        ]
        try:
            created = self.engine.create(requests, refuse_duplicates=refuse_duplicates)
        except DuplicateTaskError as error:
            raise ExistsError(error.task_uuid) from None
        return [(each.task, each.new) for each in created]

    def learn_numbers(self, model: Model) -> None:
        """Look up the numbers of tasks that this player doesn't know yet."""
        unknown = {task.wish.uuid: number for number, task in model.tasks.items() if number not in self._tasks}
        if unknown:
            for found, number in self._store.tasks.numbers(list(unknown)).items():
                self._tasks[unknown[found]] = number

    def claim(self, asked: Asked) -> dict[LeaseKey, Hold]:
        return self._claimed(self.engine.claim(self._request(asked)))

    def settle(self, outcomes: Sequence[Outcome], actor: str, asked: Asked | None) -> Answer:
        reply = self.engine.settle(
            [self._report(outcome) for outcome in outcomes], actor, self._request(asked) if asked else None
        )
        answers = {self._spoken(key): answer for key, answer in reply.answers.items()}
        return Answer(answers, self._claimed(reply))

    def sweep(self) -> int:
        return self.engine.sweep()

    def enqueue_due(self, actor: str) -> int:
        return self.engine.enqueue_due(actor)

    def cancel(self, task: Wish, actor: str, reason: str) -> None:
        try:
            self.engine.cancel(task.uuid, actor=actor, reason=reason)
        except TaskStateError:
            raise NotNowError from None

    def operate(self, act: Callable[[Operator], None]) -> bool:
        """An operator's word."""
        try:
            act(self.engine.operator)
        except TaskStateError:
            raise NotNowError from None
        return True

    def pause_namespace(self, word: Word, *, resume: bool) -> None:
        namespaces = self.engine.namespaces
        (namespaces.resume if resume else namespaces.pause)(NAMESPACE, word)

    def look(self, lanes: Sequence[str]) -> tuple[dict[str, int], Micros | None]:
        """The lanes in which something waits, with the rank of the first, and when the next retry is due."""
        seen = self._store.steps.look(lanes)
        return dict(seen.waiting), seen.next_due

    def holding(self) -> tuple[Holding, list[Rows]]:
        """All that the database holds, in the model's words and as it stands there."""
        rows = self._beside.read(*QUESTIONS)
        tasks, steps, attempts, transitions, dead, _, _, batches, payloads, paused = rows
        task_of = {number: own for own, number in self._tasks.items()}
        worker_of = {0: 0} | {number: own for own, number in self._workers.items()}
        return {
            "tasks": {task_of[row[0]]: (str(row[1]), row[2], row[4]) for row in tasks},
            "steps": {(task_of[row[0]], row[1]): (*row[2:11], worker_of[row[11]], *row[12:]) for row in steps},
            "attempts": {
                (task_of[row[0]], row[1], row[2]): (
                    *row[3:6], worker_of[row[6]], *row[7:12], None if row[4] == Ending.LOST else row[12],
                )
                for row in attempts
            },
            "transitions": sorted(
                (task_of[row[0]], *row[1:5], row[5].split(" ")[0], row[6]) for row in transitions
            ),
            "dead letters": sorted((task_of[row[0]], *row[1:]) for row in dead),
            "batches": {(task_of[row[0]], row[1]): (*row[3:6], bool(row[6])) for row in batches},
            "payloads": {(task_of[row[0]], row[1]): row[2:] for row in payloads},
            "pauses": {task_of[row[0]]: row[1:] for row in paused},
        }, rows  # fmt: skip

    def _report(self, outcome: Outcome) -> Report:
        lease = self._leases[outcome.key]
        return Report(
            outcome._replace(key=lease.key), lease.template, lease.step, lease.attempt, lease.crashes, lease.rank
        )

    def _request(self, asked: Asked) -> ClaimRequest:
        wants = dict.fromkeys(asked.lanes, asked.wants)
        return ClaimRequest(self._workers[asked.worker], asked.lanes, asked.room, wants)

    def _claimed(self, reply: Reply) -> dict[LeaseKey, Hold]:
        held = {}
        order = [(lease.rank, lease.key.task, lease.key.no) for lease in reply.leases]
        assert order == sorted(order), f"{self.name} hands over in another order than that in which it should run"
        for lease in reply.leases:
            key = self._spoken(lease.key)
            assert key not in held and key not in self._leases, f"{self.name}: {key} was handed out twice"
            self._leases[key] = lease
            held[key] = Hold(
                lease.attempt, lease.crashes, lease.step, lease.lane, lease.rank, dict(lease.dependency_results),
                lease.inputs, lease.checkpoint,
            )  # fmt: skip
        return held

    def _spoken(self, key: LeaseKey) -> LeaseKey:
        (task,) = (own for own, number in self._tasks.items() if number == key.task)
        return key._replace(task=task)


def _nobody(lanes: Mapping[str, int] | None) -> None:
    """Hears no hint."""


def expected(model: Model) -> Holding:
    """All that a database should hold."""
    tasks: Collection[Any] = model.tasks.values()
    return {
        "tasks": {task.number: (task.wish.uuid, task.state, task.undo) for task in tasks},
        "steps": {
            (task.number, no): (
                step.state, HELD * step.is_paused + task.wish.plan.lane(no), task.rank, step.run_at, task.waits(no),
                step.attempt, step.fence, step.crashes, step.epoch, step.worker, step.enqueued_at, step.claimed_at,
                step.ended_at,
            )
            for task in tasks
            for no, step in task.steps.items()
        },
        "attempts": {(task.number, *key): tuple(one) for task in tasks for key, one in task.attempts.items()},
        "transitions": sorted((task.number, *one) for task in tasks for one in task.transitions),
        "dead letters": sorted(model.dead),
        "batches": {(task.number, worker): tuple(slots) for task in tasks for worker, slots in task.batches.items()},
        "payloads": {
            (task.number, no): (step.piece, step.checkpoint)
            for task in tasks
            for no, step in task.steps.items()
            if step.piece is not None or step.checkpoint is not None
        },
        "pauses": {task.number: tuple(task.pause) for task in tasks if task.pause},
    }  # fmt: skip
