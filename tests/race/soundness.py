"""What holds in a store at every moment, whatever happened, seen from its rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tasker_core.rules.batches import index_of, worker_of
from tasker_core.rules.states import task_state
from tasker_core.words import HELD, StepState, TaskState
from tests.race.beside import Rows

ENQUEUED, RUNNING, WAITING, PENDING, CANCELLED = (
    StepState.ENQUEUED, StepState.IN_PROGRESS, StepState.WAITING_FOR_RETRY, StepState.PENDING, StepState.CANCELLED,
)  # fmt: skip
ENDED = TaskState.CANCELLED, TaskState.ERROR, TaskState.RESOLVED_MANUALLY
"""States in which an operator ended a task."""
BY_HAND = StepState.COMPLETE, StepState.RESOLVED_MANUALLY
"""States that an operator can bring a step to before its parents are done."""


def sound(found: Sequence[Rows]) -> None:
    """Check the rows that ``QUESTIONS`` finds. Raises AssertionError, naming what doesn't hold."""
    tasks, steps, attempts, transitions, dead, dependencies, payloads, batches, own_payloads, paused = found
    state_of = {row[0]: TaskState(row[2]) for row in tasks}
    undone = {row[0] for row in tasks if row[4]}
    step_of = {row[:2]: StepState(row[2]) for row in steps}
    parents: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for task, parent, child in dependencies:
        parents[task, child].append((task, parent))
    recorded: dict[tuple[int, int], set[int]] = defaultdict(set)
    for row in attempts:
        recorded[row[:2]].add(row[2])

    let_in = {(task, worker): next_one for task, worker, _, _, next_one, _, _ in batches}
    halted = {(task, worker) for task, worker, *_, is_halted in batches if is_halted}

    held_tasks = {row[0] for row in paused if not state_of[row[0]].is_final}
    for rows in (steps, attempts, transitions, dead, dependencies, payloads, batches, own_payloads, paused):
        assert {row[0] for row in rows} <= state_of.keys(), "rows of a task that isn't there"
    assert {row[0]: row[3] for row in tasks} == counted(steps), "total_steps"

    for task, no, state, lane, _, run_at, waits, attempt, fence, _, _, worker, *_ in steps:
        place = (task, no)
        open_parents = sum(not step_of[parent].satisfies for parent in parents[place])
        batch = (task, worker_of(no))
        not_yet = batch in let_in and index_of(no) >= let_in[batch]
        may_be_held = not_yet or (batch in halted and state in (PENDING, CANCELLED))
        held = waits - open_parents
        assert held == not_yet or (held == 1 and may_be_held), (
            f"{place} waits for {waits}, and {open_parents} parents are open"
        )
        assert not (
            (open_parents and state not in (PENDING, CANCELLED, *BY_HAND))
            or (held and state not in (PENDING, CANCELLED))
        ), f"{place} is {state} before its parents are done"
        assert open_parents or held or state != PENDING, f"{place} is ready and nobody says so (I3, I4)"
        assert 0 <= attempt <= fence, f"{place}: attempt {attempt}, fence {fence}"
        assert state != WAITING or run_at, f"{place} waits for no time"
        running = {fence} if state == RUNNING or (state == CANCELLED and fence not in recorded[place]) else set()
        assert recorded[place] == set(range(1, fence + 1)) - running, f"{place} ({state}): every claim ends once"
        assert state != RUNNING or worker, f"{place} runs at nobody's"
        if not (StepState(state).satisfies or state_of[task].is_final):
            assert lane.startswith(HELD) == (task in held_tasks), f"{place} ({state}): lane {lane}, paused {held_tasks}"
        if state_of[task] in ENDED:
            assert StepState(state).is_final, f"{place} is {state} in a cancelled task"

    for task, worker, parallelism, total, next_one, free, _ in batches:
        instances = [row for row in steps if row[0] == task and worker_of(row[1]) == worker]
        assert len(instances) == total, f"batch {worker} of task {task} has {len(instances)} instances, not {total}"
        if state_of[task] not in ENDED and task not in undone:
            begun = [row for row in instances if index_of(row[1]) < next_one and not StepState(row[2]).is_final]
            assert len(begun) == parallelism - free, f"{len(begun)} of batch {worker} of task {task} have begun"

    for task, state in state_of.items():
        own = [step for (of, _), step in step_of.items() if of == task]
        if state not in ENDED:
            assert state is task_state(own), f"task {task} is {state}"
        if not state.is_at_rest:
            assert {ENQUEUED, RUNNING, WAITING} & set(own), f"task {task} is {state} and nothing of it can move (I4)"


def counted(steps: Rows) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for row in steps:
        counts[row[0]] += 1
    return counts


def difference(there: Any, should: Any) -> str:
    """What differs between two dicts or two lists."""
    if isinstance(there, dict):
        return "\n".join(
            f"  {key}: is {there.get(key)}\n  {' ' * len(str(key))}  not {should.get(key)}"
            for key in sorted(there.keys() | should.keys())
            if there.get(key) != should.get(key)
        )
    extra, missing = [one for one in there if one not in should], [one for one in should if one not in there]
    return (
        f"  there but shouldn't be: {extra}\n  should be there: {missing}" if extra or missing else f"{there}\n{should}"
    )
