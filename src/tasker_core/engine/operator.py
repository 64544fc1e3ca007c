"""What operators can say of a task: have it run again, end a step or the whole of it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tasker_core.clock import Clock, Ids
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.counting import count_moved, count_stand
from tasker_core.engine.growing import batch_ends, brings_about, carry_out, is_instance, pass_over
from tasker_core.engine.known import Known
from tasker_core.engine.memory import Memory
from tasker_core.engine.schemas import check_context, check_result
from tasker_core.engine.traces import record_steps
from tasker_core.engine.undoing import lanes_of, turn_of
from tasker_core.engine.wake import Wake
from tasker_core.errors import InvalidRequestError, TaskNotFoundError, TaskStateError
from tasker_core.rules import mend as rules
from tasker_core.rules import pausing
from tasker_core.rules.expand import Choice, choice_of
from tasker_core.rules.limits import key_of
from tasker_core.rules.mend import Mend, Situation
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.staleness import Course
from tasker_core.rules.undo import Undoing, undo
from tasker_core.rules.verdict import by_hand
from tasker_core.store import Store
from tasker_core.store.database import Transaction
from tasker_core.store.dead_letters import Requeued
from tasker_core.store.repairs import ByHand, Mended, NewContext, Results, Saying, Then
from tasker_core.store.settling import Birth, Ruling
from tasker_core.store.staleness import Fallen, Fate
from tasker_core.store.undoing import Lanes
from tasker_core.store.undoing import turn as take_turn
from tasker_core.telemetry import tracing
from tasker_core.words import Ending, JsonText, LeaseKey, Micros, Outcome, StepState, TaskState, Violation, Word


class Operator:
    """Mends one task with each word: decided from the task as it stands, in one transaction, written into its audit.

    After it the task goes on by itself. All of them raise TaskNotFoundError, and TaskStateError where the state of the
    task or step doesn't allow it; then nothing has changed.
    """

    def __init__(self, store: Store, catalog: Catalog, memory: Memory, wake: Wake, clock: Clock, ids: Ids) -> None:
        self._store, self._catalog, self._memory, self._wake = store, catalog, memory, wake
        self._clock, self._ids = clock, ids

    def reset(self, task: str, step: str, word: Word) -> None:
        """Have the failed ``step`` run again from its first attempt. Raises StepNotFoundError."""
        self._mend(task, "reset", word, lambda there, _: rules.reset(there, step))

    def retry(self, task: str, word: Word) -> None:
        """Have all failed steps of the task run again, each from its first attempt."""
        self._mend(task, "retry", word, lambda there, _: rules.retry(there))

    def restart(self, task: str, step: str, word: Word, *, context: Mapping[str, Any] | None = None) -> None:
        """Have ``step`` and everything after it run again, from scratch; results of the steps before it stay.

        Also in a task that is final. What decisions and analyzers among them had brought about is gone; they decide
        anew. With ``context`` the task works on that from now on. Raises StepNotFoundError, PayloadError,
        SchemaViolationError for a context that doesn't fit the ``input_schema``, where that is enforced.
        """
        known, saying = self._saying(task, "restart", word)
        edit = None
        if context is not None:
            text = encode(context, "context")
            keys = {no: key_of(context, path) for no, path in known.keys.items()}
            edit = NewContext(text, check_context(known, text), keys)

        def judge(there: Situation, results: Results) -> Mend:
            return rules.restart(there, step, known.growth, _choices(known, there, results), edited=edit is not None)

        self._tell(known, saying, self._store.repairs.mend(saying, judge, edit))

    def give_up(self, task: str, word: Word) -> None:
        """End a task of which a step has failed as ``error``: what isn't finished of it never will be."""
        self._mend(task, "give_up", word, lambda there, _: rules.end(there, TaskState.ERROR))

    def resolve(self, task: str, word: Word) -> None:
        """End a task as ``resolved_manually``: what isn't finished of it is no longer needed."""
        self._mend(task, "resolve", word, lambda there, _: rules.end(there, TaskState.RESOLVED_MANUALLY))

    def cancel(self, task: str, word: Word) -> None:
        """Cancel an unfinished task: what hasn't begun never will, what runs is told and its result refused."""
        _, saying = self._saying(task, "cancel", word)
        number, store = saying.task, self._store
        if not store.tasks.cancel(number, saying.stamp, saying.now, word.actor, word.reason):
            state = store.tasks.states([number])[number]
            raise TaskStateError(
                f"task {task} is {state} already; only an unfinished task can be cancelled", state=state
            )
        count_moved([TaskState.CANCELLED])
        self._memory.forget([number])
        self._wake.rested({number: TaskState.CANCELLED})
        if (tracer := tracing.step_tracer()) is not None:
            steps, _ = store.tasks.steps([number])
            cancelled = [(number, row.no) for row in steps[number] if row.state == StepState.CANCELLED]
            record_steps(tracer, store, cancelled)

    def pause(self, task: str, word: Word) -> None:
        """Hold a task: none of its steps begins until it is resumed, or ends. What runs goes on to its end."""
        _, saying = self._saying(task, "pause", word)
        self._store.pauses.pause(saying, pausing.pause)

    def resume(self, task: str, word: Word) -> None:
        """Let a task go on that is paused."""
        known, saying = self._saying(task, "resume", word)
        self._tell(known, saying, self._store.pauses.resume(saying, pausing.resume))

    def undo(self, task: str, word: Word) -> None:
        """Have the compensations of the task's completed steps run, whatever its state; then it ends as ``error``.

        What is in progress ends first, what hasn't begun never will. An undoing that was ended amid it goes on.
        """
        known, saying = self._saying(task, "undo", word)

        def judge(there: Situation) -> tuple[Undoing, Lanes]:
            undoing = undo(there, known.undo, known.growth.openers)
            return undoing, lanes_of(known, undoing)

        self._tell(known, saying, self._store.undoings.undo(saying, judge))

    def resolve_step(self, task: str, step: str, word: Word) -> None:
        """Let what waits for ``step`` go on without its result. Raises StepNotFoundError."""
        self._settle(task, step, "resolve_step", word, StepState.RESOLVED_MANUALLY, None)

    def complete_step(
        self, task: str, step: str, result: Any, word: Word, *,
        by: str | None = None, metadata: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Complete ``step`` with ``result``, which those that depend on it read. A decision's result decides.

        With the result are kept ``metadata``, and who did it: ``by``, else the word's actor.

        Raises StepNotFoundError, PayloadError for a result that isn't JSON, InvalidRequestError for one that decides
        nothing or doesn't fit the step's ``result_schema``, where that is enforced.
        """
        kept = {"manually_completed": True, "completed_by": by or word.actor, "completion_reason": word.reason}
        text = encode({"result": result, "metadata": {**(metadata or {}), **kept}}, f"result of step {step!r}")
        self._settle(task, step, "complete_step", word, StepState.COMPLETE, text)

    def requeue(self, task: str, letter: str, word: Word, after: Micros, gap: Micros = 0) -> Requeued | None:
        """Have run again what a dead letter of the task stands for, ``after`` so long, and resolve the letter.

        With a ``gap`` so long after the last one of its fault. None when the word was said before. Raises
        DeadLetterNotFoundError.
        """
        known, saying = self._saying(task, "requeue", word)
        done = self._store.dead_letters.requeue(letter, saying, after, gap, rules.requeue)
        if done is not None:
            self._tell(known, saying, done.mended)
        return done

    def see_to(self, known: Known, saying: Saying, judge: Callable[[Situation, Course], Fate | None]) -> Fallen | None:
        """Do to a task that stands still what ``judge`` says; None where it says that nothing is to be."""
        done = self._store.staleness.judge(saying, judge)
        if done is not None:
            self._tell(known, saying, done.mended)
        return done

    def _mend(self, task: str, verb: str, word: Word, judge: Callable[[Situation, Results], Mend]) -> None:
        known, saying = self._saying(task, verb, word)
        self._tell(known, saying, self._store.repairs.mend(saying, judge))

    def _settle(self, task: str, step: str, verb: str, word: Word, state: StepState, result: JsonText | None) -> None:
        known, saying = self._saying(task, verb, word)
        judge = partial(self._ruling, known, saying, step, state, result)
        done = self._store.repairs.settle(saying, judge, self._then(known, saying))
        self._tell(known, saying, done)
        if done is not None:
            self._wake.ready(None)

    def _then(self, known: Known, saying: Saying) -> Then | None:
        """A step that ends by hand may be the last one that the undoing of its task waits for."""
        turn = turn_of({saying.task: known}, self._ids, by_itself=False)
        if turn is None:
            return None

        def then(transaction: Transaction, done: Mended) -> Mended:
            turned = take_turn(transaction, [saying.task], turn, saying.now + 1, saying.actor)
            return replace(done, moved=turned.moved.get(saying.task, done.moved), ready={**done.ready, **turned.ready})

        return then

    def _saying(self, task: str, verb: str, word: Word) -> tuple[Known, Saying]:
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        stamp = self._ids.stamp() if word.stamp is None else word.stamp
        saying = Saying(row.id, stamp, self._clock.now(), word.actor, word.reason, verb)
        return self._catalog.known(row.template_id), saying

    def _ruling(
        self, known: Known, saying: Saying, step: str, state: StepState, result: JsonText | None, there: Situation
    ) -> ByHand:
        row = rules.by_hand(there, step)
        key = LeaseKey(saying.task, row.no, row.fence + 1)
        outcome = Outcome(key, Ending.OK, result)
        birth: Birth | None = None
        states = {no: str(standing.state) for no, standing in there.steps.items()}
        violations: Sequence[Violation] = ()
        if state is StepState.RESOLVED_MANUALLY:
            outcome, birth = pass_over(known, key, states)
        else:
            outcome, violations = check_result(known, outcome)
            if brings_about(known, outcome):
                outcome, birth = carry_out(known, outcome, states)
        if outcome.error is not None:
            raise InvalidRequestError(outcome.error.message, field="result")
        verdict = by_hand(key, state, result, saying.now, f"{state} by {saying.actor}")
        ruling = Ruling(verdict, row.attempt, Ending.BY_HAND, violations)
        plan = known.batch_of(row.no) if is_instance(row.no) else None
        return ByHand(ruling, birth, batch_ends([ruling], {key: plan} if plan else {}))

    def _tell(self, known: Known, saying: Saying, done: Mended | None) -> None:
        """Whoever has to know of what was done."""
        if done is None:
            return
        self._memory.forget([saying.task])
        if done.moved is not None:
            count_moved([done.moved])
            count_stand(done.moved, known.template)
            self._wake.rested({saying.task: done.moved})
        if done.ready:
            self._wake.ready(done.ready)
        if (tracer := tracing.step_tracer()) is not None:
            record_steps(tracer, self._store, [(saying.task, no) for no in done.ended])


def _choices(known: Known, there: Situation, results: Results) -> dict[int, Choice]:
    """What those decisions of the task chose that are done; one that was resolved by hand chose nothing."""
    done = [no for no in known.growth.decisions if no in there.steps and there.steps[no].state.satisfies]
    found = results(done) if done else {}
    texts = {no: found.get(no) for no in done}
    return {no: choice_of(decode(text)["result"]) if text is not None else () for no, text in texts.items()}
