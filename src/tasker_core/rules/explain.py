"""Why is this task not finished? Decided from what the store holds at one instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tasker_core.rules.batches import FIRST_INSTANCE, MOST_INSTANCES_TOLD, worker_of
from tasker_core.rules.explain_gates import advice as advice_on_gates
from tasker_core.rules.explain_gates import held
from tasker_core.rules.explain_pause import held_by
from tasker_core.rules.explain_queue import MOST_NAMED, Queues, is_alive
from tasker_core.rules.explanation import (
    Explanation,
    Failure,
    Reason,
    ReasonKind,
    UnfinishedStep,
    at,
    counted,
    listed,
    span,
)
from tasker_core.rules.facts import BatchFact, Facts, StepFact, WorkerFact, error_of
from tasker_core.rules.graph import parents_of, topological_order
from tasker_core.rules.template import UNDO
from tasker_core.words import Micros, StepState, TaskState

MOST_FAILURES_TOLD = 100
_SATISFYING = frozenset(str(state) for state in StepState if state.satisfies)
_FINAL = frozenset(str(state) for state in StepState if state.is_final)
_STOPPING = _FINAL - _SATISFYING


class Limit(NamedTuple):
    """What the template allows a step: attempts in all, and seconds for each."""

    max_attempts: int
    timeout: float | None


def explain(facts: Facts, limits: Mapping[int, Limit], now: Micros, lease_time: Micros) -> Explanation:
    """The reason of each unfinished step, and what is to be said of the task as a whole.

    ``limits`` are those of the steps that have begun, by number; a worker that was silent for longer than
    ``lease_time`` is lost.
    """
    state = TaskState(facts.state)
    failures = tuple(_failure(step, limits) for step in facts.steps if step.state == StepState.ERROR)
    unfinished = () if state.is_final else tuple(_Look(facts, limits, now, lease_time).reasons())
    text, since = _of_task(facts, state, unfinished, failures)
    instances = [step for step in unfinished if step.no >= FIRST_INSTANCE]
    told = unfinished
    if len(instances) > MOST_INSTANCES_TOLD:
        last = instances[MOST_INSTANCES_TOLD - 1].no
        told = tuple(step for step in unfinished if step.no <= last)
    left_out = len(unfinished) - len(told) + max(0, len(failures) - MOST_FAILURES_TOLD)
    return Explanation(
        facts.task_uuid, facts.state, text, since, told, failures[:MOST_FAILURES_TOLD],
        tuple(_advice(facts, state, unfinished)), left_out,
    )  # fmt: skip


class _Look:
    """One look at one task."""

    def __init__(self, facts: Facts, limits: Mapping[int, Limit], now: Micros, lease_time: Micros) -> None:
        self.facts, self.limits, self.now, self.lease_time = facts, limits, now, lease_time
        self.steps = {step.no: step for step in facts.steps}
        still_open = {step.no for step in facts.steps if step.state not in _SATISFYING}
        self.open_parents = {
            no: [self.steps[parent] for parent in parents if parent in still_open]
            for no, parents in parents_of(self.steps, facts.edges).items()
        }
        self._held: dict[int, Reason] = {}
        self._waiting: dict[tuple[int, ...], Reason] = {}
        self.batches = {batch.no: batch for batch in facts.batches}
        self.workers = {worker.id: worker for worker in facts.workers}
        self.queues = Queues(facts, now, lease_time)
        self.pause = held_by(facts)

    def reasons(self) -> Iterable[UnfinishedStep]:
        roots = self._failing_roots()
        for step in self.facts.steps:
            if step.state not in _FINAL:
                yield UnfinishedStep(step.no, step.name, step.state, self._reason(step, StepState(step.state), roots))

    def _reason(self, step: StepFact, state: StepState, roots: Mapping[int, frozenset[int]]) -> Reason:
        match state:
            case StepState.PENDING if roots[step.no]:
                return self._blocked(step, roots[step.no])
            case StepState.PENDING:
                return self._waits_for_parents(step)
            case StepState.WAITING_FOR_RETRY:
                return self._waits_for_retry(step)
            case StepState.ENQUEUED:
                return self.pause or held(step, self.facts.gates, self.now) or self.queues.reason(step)
            case StepState.IN_PROGRESS:
                return self._in_progress(step)
            case _:
                text = f"rests in {state}, a state that no step rests in; run: tasker doctor --deep"
                return Reason(ReasonKind.STUCK, text, step.ended_at or self.facts.created_at)

    def _failing_roots(self) -> dict[int, frozenset[int]]:
        """For each step the failed steps, at any distance, without which it can't start."""
        stopped: dict[int, frozenset[int]] = {}
        unknown: dict[frozenset[frozenset[int]], frozenset[int]] = {}
        for no in topological_order(self.steps, self.facts.edges):
            step, roots = self.steps[no], set()
            for parent in self.open_parents[no]:
                roots.add(stopped[parent.no])
            key = frozenset(roots)
            # Steps side by side share their parents: unite the same sets once.
            united = unknown.setdefault(key, frozenset().union(*key))
            stopped[no] = frozenset({no}) if step.state in _STOPPING else united
        return stopped

    def _blocked(self, step: StepFact, roots: frozenset[int]) -> Reason:
        failed = [self.steps[no] for no in sorted(roots)]
        told = [f"{_told(root.name)} ({error_of(root) or root.state})" for root in failed]
        details = {"failed_steps": [root.name for root in failed[:MOST_NAMED]], "parents": self._parents(step)}
        since = min(root.ended_at for root in failed)
        return Reason(ReasonKind.BLOCKED_BY_FAILURE, f"blocked by the failure of {listed(told, 3)}", since, details)

    def _waits_for_parents(self, step: StepFact) -> Reason:
        parents = self.open_parents[step.no]
        batch = self.batches.get(worker_of(step.no)) if step.no >= FIRST_INSTANCE else None
        if batch is not None and not parents:
            return self._held_in(batch)
        if not parents:
            text = "all its parents are done, yet it isn't in the queue; run: tasker doctor --deep"
            return Reason(ReasonKind.STUCK, text, self.facts.created_at)
        # Steps side by side wait for the same parents.
        key = tuple(parent.no for parent in parents)
        known = self._waiting.get(key)
        if known is None:
            text = f"waits for {listed([f'{_told(parent.name)} ({parent.state})' for parent in parents])}"
            details = {"parents": self._parents(step), "open_parents": len(parents)}
            known = self._waiting[key] = Reason(ReasonKind.WAITS_FOR_PARENTS, text, self.facts.created_at, details)
        return known

    def _held_in(self, batch: BatchFact) -> Reason:
        """The same for all instances that aren't let in."""
        held = self._held.get(batch.no)
        if held is None:
            held = self._held[batch.no] = self._waits_for_place(batch)
        return held

    def _waits_for_place(self, batch: BatchFact) -> Reason:
        if batch.halted:
            failed = [s for s in self.facts.steps if worker_of(s.no) == batch.no and s.state == StepState.ERROR]
            told = [f"{step.name} ({error_of(step) or step.state})" for step in failed]
            text = f"held back by the failure of {listed(told, 3)}: its batch is to fail fast; a reset lets it go on"
            since = min((step.ended_at for step in failed), default=self.facts.updated_at)
            names = [step.name for step in failed[:MOST_NAMED]]
            return Reason(ReasonKind.BLOCKED_BY_FAILURE, text, since, {"failed_steps": names, "parents": []})
        text = f"waits for a place: {batch.parallelism:,} of its batch at once is the limit"
        return Reason(ReasonKind.WAITS_FOR_PLACE, text, self.facts.created_at, {"parallelism": batch.parallelism})

    def _waits_for_retry(self, step: StepFact) -> Reason:
        allowed, left = self.limits[step.no].max_attempts, step.run_at - self.now
        if left > 0:
            text = f"waits until {at(step.run_at)} (in {span(left)}), then attempt {step.attempt + 1} of {allowed}"
        else:
            text = f"its retry, attempt {step.attempt + 1} of {allowed}, has been due for {span(-left)}"
            if not self.queues.has_live_worker:
                text += ", but no worker is there to put it into the queue"
        if self.pause is not None:
            text += f"; then {self.pause.text}"
        error = error_of(step)
        if error:
            text += f"; last error: {error}"
        details = {
            "next_attempt": step.attempt + 1, "max_attempts": allowed, "overdue": left <= 0,
            "seconds_left": round(left / 1e6, 3), "error_type": error.type, "message": error.message,
        }  # fmt: skip
        return Reason(ReasonKind.WAITS_FOR_RETRY, text, step.ended_at, details)

    def _in_progress(self, step: StepFact) -> Reason:
        worker, limit = self.workers.get(step.worker), self.limits[step.no]
        if worker is None or not is_alive(worker, self.now, self.lease_time):
            who = _who(worker) if worker else f"number {step.worker}"
            seen = f", last heard of {span(self.now - worker.beat_at)} ago" if worker else ""
            text = f"its worker {who} is lost{seen}; the next sweep of a live worker puts it back into the queue"
            return Reason(ReasonKind.WORKER_LOST, text, step.claimed_at, {"worker": worker.name if worker else None})
        until = worker.beat_at + self.lease_time
        text = (
            f"in progress at {_who(worker)} for {span(self.now - step.claimed_at)}, attempt {step.attempt} of "
            f"{limit.max_attempts}, lease until {at(until)}"
        )
        if limit.timeout is not None:
            text += f", times out at {at(step.claimed_at + round(limit.timeout * 1e6))}"
        details = {
            "worker": worker.name, "host": worker.host, "pid": worker.pid, "attempt": step.attempt,
            "max_attempts": limit.max_attempts, "lease_seconds_left": round((until - self.now) / 1e6, 3),
            "timeout_seconds": limit.timeout,
        }  # fmt: skip
        return Reason(ReasonKind.IN_PROGRESS, text, step.claimed_at, details)

    def _parents(self, step: StepFact) -> list[dict[str, str]]:
        return [{"step": parent.name, "state": parent.state} for parent in self.open_parents[step.no][:MOST_NAMED]]


def _of_task(
    facts: Facts, state: TaskState, unfinished: Sequence[UnfinishedStep], failures: Sequence[Failure]
) -> tuple[str, Micros]:
    """A sentence about the whole task, and since when it is so."""
    actor, reason = facts.last_word
    said = f" by {actor}" if actor else ""
    why = f": {reason}" if reason else ""
    match state:
        case TaskState.COMPLETE:
            text = f"complete: all {counted(len(facts.steps), 'step')} are done"
        case TaskState.BLOCKED_BY_FAILURES:
            failed = listed([f"{f.step} ({f.error_type}: {f.message})" for f in failures], 3) if failures else "a step"
            waiting = f"; {counted(len(unfinished), 'step')} can't start without it" if unfinished else ""
            text = f"blocked: {failed} failed for good{waiting}"
        case _ if state.is_final:
            text = f"{state}{said}{why}"
        case _:
            done = sum(step.state in _SATISFYING for step in facts.steps)
            kinds = Counter(step.reason.kind for step in unfinished)
            parts = [f"{n:,} {_SUMMARY[kind]}" for kind, n in kinds.items()]
            being_undone = any(step.name.startswith(UNDO) for step in facts.steps)
            text = "is being undone: " if being_undone else ""
            text += f"{done:,} of {counted(len(facts.steps), 'step')} done; " + (", ".join(parts) or "nothing moves")
    return text, facts.updated_at


_SUMMARY = {
    ReasonKind.WAITS_FOR_PARENTS: "waiting for parents",
    ReasonKind.WAITS_FOR_RETRY: "waiting for a retry",
    ReasonKind.WAITS_FOR_PLACE: "waiting for a place in their batch",
    ReasonKind.WAITS_IN_QUEUE: "in the queue",
    ReasonKind.TASK_PAUSED: "held: the task is paused",
    ReasonKind.NAMESPACE_PAUSED: "held: the namespace is paused",
    ReasonKind.LIMIT_REACHED: "held back by a limit",
    ReasonKind.BREAKER_OPEN: "held back by a breaker",
    ReasonKind.NO_WORKER: "without a worker that serves it",
    ReasonKind.IN_PROGRESS: "in progress",
    ReasonKind.WORKER_LOST: "with a lost worker",
    ReasonKind.BLOCKED_BY_FAILURE: "blocked by a failure",
    ReasonKind.STUCK: "stuck",
}


def _advice(facts: Facts, state: TaskState, unfinished: Sequence[UnfinishedStep]) -> Iterable[str]:
    task = facts.task_uuid
    if state is TaskState.BLOCKED_BY_FAILURES:
        yield f"mend what made the step fail, then have it run again: tasker task retry {task}"
        yield f"or end the step by hand: tasker task complete-step; or the whole task: tasker task give-up {task}"
    reasons = [step.reason for step in unfinished]
    if not state.is_final:
        if facts.pause is not None:
            yield f"let it go on: tasker task resume {task}"
        if facts.namespace_pause is not None:
            yield f"let its namespace go on: tasker namespace resume {facts.namespace}"
    lacking = sorted({f"{r.details['namespace']}/{r.details['handler']}" for r in reasons if "nearest" in r.details})
    if lacking:
        yield f"start a worker that serves {listed(lacking)}: tasker worker --handlers PACKAGE"
    yield from advice_on_gates(reasons)
    if any(reason.kind is ReasonKind.STUCK for reason in reasons):
        yield "look at the whole store: tasker doctor --deep"


def _failure(step: StepFact, limits: Mapping[int, Limit]) -> Failure:
    error = error_of(step)
    return Failure(
        step.name,
        error.type,
        error.message,
        step.attempt,
        limits[step.no].max_attempts,
        step.ended_at,
        step.verdict,
    )


def _told(step: str) -> str:
    """A step in a sentence."""
    return f"the compensation of {step.removeprefix(UNDO)}" if step.startswith(UNDO) else step


def _who(worker: WorkerFact) -> str:
    return f"{worker.name} ({worker.host}, process {worker.pid})"
