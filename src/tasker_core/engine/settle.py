"""Settle: what every ending of an attempt goes through, and claim the next steps in the same transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from tasker_core.clock import Clock, Ids
from tasker_core.engine.burying import letter_of
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.counting import count_events, count_settled
from tasker_core.engine.gates import Gates
from tasker_core.engine.growing import batch_ends, brings_about, carry_out, is_instance
from tasker_core.engine.memory import Memory
from tasker_core.engine.publishing import publish, weight
from tasker_core.engine.schemas import check_result
from tasker_core.engine.traces import record_steps
from tasker_core.engine.undoing import turn_of
from tasker_core.errors import StoreDataError, TemplateError, UnknownTemplateError
from tasker_core.rules.batches import BatchPlan
from tasker_core.rules.refusal import is_spoiled, is_what_became_of, spoiled
from tasker_core.rules.verdict import decide, error_text
from tasker_core.store import Store
from tasker_core.store.claiming import Claim
from tasker_core.store.database import Access
from tasker_core.store.gating import Noted
from tasker_core.store.settling import Birth, Ruling, Settlement
from tasker_core.store.undoing import Turn
from tasker_core.telemetry import metrics, tracing
from tasker_core.words import (
    Event,
    LeaseKey,
    Micros,
    Outcome,
    Report,
    Settled,
    StepState,
    TaskState,
    Verdict,
    Violation,
)

log = logging.getLogger("tasker.engine")

LARGEST_BATCH = 200
LARGEST_BATCH_BYTES = 4 * 1024 * 1024


class Settler:
    """The verb ``settle``. ``roll`` gives numbers in [0, 1) that spread the retries; ``buries`` says that dead letters
    are written."""

    def __init__(
        self, store: Store, catalog: Catalog, memory: Memory, gates: Gates, clock: Clock, ids: Ids,
        roll: Callable[[], float], *, buries: bool = True,
    ) -> None:  # fmt: skip
        self._store, self._catalog, self._memory, self._gates = store, catalog, memory, gates
        self._clock, self._ids, self._roll, self._buries = clock, ids, roll, buries

    def settle(
        self, reports: Sequence[Report], actor: str, claim: Claim | None = None
    ) -> tuple[dict[LeaseKey, Settled], list[Settlement]]:
        """Settle ``reports``; an answer for each, and what each transaction did. The claim rides on the last one."""
        distinct = _distinct(reports)
        answers: dict[LeaseKey, Settled] = {}
        settlements: list[Settlement] = []
        # A decision or an analyzer is settled alone: what it brings about depends on what its task has by then.
        opening = [report for report in distinct if self._opens(report)]
        alone = {report.outcome.key for report in opening}
        plain = [report for report in distinct if report.outcome.key not in alone] if alone else distinct
        # Nor does a task that may be undone when it comes to rest cost any other.
        turning = [report for report in plain if self._may_be_undone(report)]
        if turning:
            plain = [report for report in plain if not self._may_be_undone(report)]
        batches = [*_batches(plain), *_batches(turning), *([report] for report in opening)]
        for n, batch in enumerate(batches, 1):
            settlements += self._settle(batch, actor, claim if n == len(batches) else None, answers)
        return answers, settlements

    def _settle(
        self, reports: Sequence[Report], actor: str, claim: Claim | None, answers: dict[LeaseKey, Settled]
    ) -> list[Settlement]:
        began = time.perf_counter()
        try:
            rulings, done = self._apply(reports, actor, claim)
        except (UnknownTemplateError, TemplateError, IndexError):
            return self._settle_without_strangers(reports, actor, claim, answers)
        except StoreDataError as error:
            return self._settle_without_culprit(reports, actor, claim, answers, error)
        answers.update(dict.fromkeys(done.applied, Settled.APPLIED))
        if len(done.applied) < len(reports):
            self._answer_refused([r for r in reports if r.outcome.key not in done.applied], rulings, actor, answers)
        done = self._learn(reports, rulings, done)
        metrics.SETTLE_DURATION.of().note(time.perf_counter() - began)
        return [done]

    def _learn(self, reports: Sequence[Report], rulings: Sequence[Ruling], done: Settlement) -> Settlement:
        """What this process remembers, counts and tells of a settlement that is committed; that, with its events."""
        completed = 0
        for ruling in rulings:
            key = ruling.verdict.key
            if key in done.applied and ruling.verdict.state is StepState.COMPLETE:
                completed += 1
                # The results of a batch are read once, all together, and may be too many to remember.
                if not is_instance(key.no):
                    self._memory.learn(key.task, key.no, ruling.verdict.result)
        self._memory.forget(task for task, state in done.rested.items() if TaskState(state).is_final)
        count_settled(rulings, completed, reports, done, self._catalog)
        if (tracer := tracing.step_tracer()) is not None:
            record_steps(tracer, self._store, _over(rulings, done))
        if any(ruling.events or ruling.notes for ruling in rulings):
            done = replace(done, events=_published(rulings, done))
        return done

    def settle_within(
        self, access: Access, report: Report, actor: str, commit: Callable[[], None]
    ) -> tuple[Verdict, Settlement | None]:
        """Settle ``report`` in the transaction that its handler wrote in, and ``commit`` that.

        Only where the step completes or yields, and its lease still stands; else nothing is committed, and with the
        verdict comes None.
        """
        inside = Settler(
            Store(self._store.database, access), self._catalog, self._memory, self._gates, self._clock, self._ids,
            self._roll,
        )  # fmt: skip
        rulings, done = inside._apply([report], actor, None)
        ((verdict, *_),) = rulings
        if not done.applied or not (verdict.state.satisfies or verdict.checkpoint is not None):
            return verdict, None
        commit()
        return verdict, self._learn([report], rulings, done)

    def _apply(self, reports: Sequence[Report], actor: str, claim: Claim | None) -> tuple[Sequence[Ruling], Settlement]:
        now, stamp = self._clock.now(), self._ids.stamp()
        noted = self._gates.noted(reports, self._lane)
        if len(reports) == 1 and self._opens(reports[0]):
            rulings, done = self._open(reports[0], stamp, now, actor, claim, noted)
        else:
            rulings = [self._ruling(report, now) for report in reports]
            dead = [
                letter_of(self._store, self._ids, self._catalog.known(report.template), report, ruling, actor)
                for report, ruling in zip(reports, rulings, strict=True)
                if ruling.verdict.death and self._buries
            ]
            ends = batch_ends(rulings, self._batches_of(reports))
            turn = self._turn(reports)
            done = self._store.steps.settle(rulings, stamp, now, actor, claim, dead, ends, turn, noted)
        if noted is not None:
            self._gates.refresh()
        return rulings, done

    def _lane(self, report: Report) -> str:
        return self._catalog.known(report.template).lane(report.outcome.key.no)

    def _turn(self, reports: Sequence[Report]) -> Turn | None:
        templates = {report.outcome.key.task: self._catalog.known(report.template) for report in reports}
        return turn_of(templates, self._ids)

    def _may_be_undone(self, report: Report) -> bool:
        try:
            return bool(self._catalog.known(report.template).undo)
        except (UnknownTemplateError, TemplateError):
            return False

    def _batches_of(self, reports: Sequence[Report]) -> dict[LeaseKey, BatchPlan]:
        """The batches of those reports that are on instances of one."""
        plans: dict[LeaseKey, BatchPlan] = {}
        for report in reports:
            key = report.outcome.key
            if is_instance(key.no) and (plan := self._catalog.known(report.template).batch_of(key.no)) is not None:
                plans[key] = plan
        return plans

    def _open(
        self, report: Report, stamp: int, now: Micros, actor: str, claim: Claim | None, noted: Noted | None
    ) -> tuple[Sequence[Ruling], Settlement]:
        known, rulings = self._catalog.known(report.template), list[Ruling]()

        def judge(states: Mapping[int, str]) -> tuple[Ruling, Birth | None]:
            outcome, birth = carry_out(known, report.outcome, states)
            rulings.append(self._ruling(report._replace(outcome=outcome), now))
            return rulings[-1], birth if rulings[-1].verdict.state is StepState.COMPLETE else None

        turn = self._turn([report])
        done = self._store.steps.settle_opener(report.outcome.key, judge, stamp, now, actor, claim, turn, noted)
        return rulings[-1:], done

    def _opens(self, report: Report) -> bool:
        try:
            return brings_about(self._catalog.known(report.template), report.outcome)
        except (UnknownTemplateError, TemplateError):
            return False

    def _settle_without_culprit(
        self, reports: Sequence[Report], actor: str, claim: Claim | None, answers: dict[LeaseKey, Settled],
        error: StoreDataError,
    ) -> list[Settlement]:  # fmt: skip
        """One bad apple: halve the batch until it is alone, and end that one as what it is."""
        if len(reports) > 1:
            middle = len(reports) // 2
            first = self._settle(reports[:middle], actor, None, answers)
            return first + self._settle(reports[middle:], actor, claim, answers)
        (report,) = reports
        if is_spoiled(report.outcome):
            self._turn_away(report, f"the database refuses it even without its content: {error}", actor, answers)
            return self._only_claim(claim)
        ended = report._replace(outcome=spoiled(report.outcome, str(error)))
        return self._settle([ended], actor, claim, answers)

    def _settle_without_strangers(
        self, reports: Sequence[Report], actor: str, claim: Claim | None, answers: dict[LeaseKey, Settled]
    ) -> list[Settlement]:
        """Somebody reports on a template or a step that isn't known here, and others mustn't wait for that."""
        familiar: list[Report] = []
        for report in reports:
            try:
                self._ruling(report, 0)
            except IndexError:
                self._turn_away(report, f"its template has no step number {report.outcome.key.no}", actor, answers)
            except (UnknownTemplateError, TemplateError) as error:
                self._turn_away(report, str(error), actor, answers)
            else:
                familiar.append(report)
        return self._settle(familiar, actor, claim, answers) if familiar else self._only_claim(claim)

    def _turn_away(self, report: Report, why: str, actor: str, answers: dict[LeaseKey, Settled]) -> None:
        """A report that can never be settled: its sender loses the lease, and the step is found as lost."""
        key = report.outcome.key
        log.error("the report of %s on step %s, %s, is refused: %s", actor, report.step, tuple(key), why)
        answers[key] = Settled.LOST
        try:
            self._store.steps.record_rejected(
                [(key, self._ids.stamp())], f"report refused: {why}", self._clock.now(), actor
            )
        except StoreDataError as error:
            log.error("that can't be written down either: %s", error)

    def _only_claim(self, claim: Claim | None) -> list[Settlement]:
        if claim is None:
            return []
        stamp, now = self._ids.stamp(), self._clock.now()
        return [Settlement(stamp, now, frozenset(), {}, self._store.steps.claim(claim, stamp, now))]

    def _ruling(self, report: Report, now: Micros) -> Ruling:
        known, outcome = self._catalog.known(report.template), report.outcome
        violations: Sequence[Violation] = ()
        if known.result_schemas:
            outcome, violations = check_result(known, outcome)
        attempted = known.attempted(outcome.key.no, report.attempt, report.crashes)
        verdict = decide(outcome, attempted, now, self._roll())
        ruling = Ruling(verdict, report.attempt, outcome.ending, violations)
        if known.published and (declared := known.published.get(known.place(outcome.key.no) + 1)):
            events, notes = publish(known, declared, report, outcome, verdict, self._ids, now)
            ruling = ruling._replace(events=events, notes=notes)
        return ruling

    def _answer_refused(
        self, reports: Sequence[Report], rulings: Sequence[Ruling], actor: str, answers: dict[LeaseKey, Settled]
    ) -> None:
        """A report that changed nothing is the same one again, or comes too late and is written down as refused."""
        said = {ruling.verdict.key: ruling for ruling in rulings}
        before = self._store.steps.reported_before([report.outcome.key for report in reports])
        states = self._store.tasks.states({report.outcome.key.task for report in reports})
        late: list[LeaseKey] = []
        for report in reports:
            key, ruling = report.outcome.key, said[report.outcome.key]
            ending, result, error = before.get(key, (None, None, None))
            again = (ending, result, error) == (ruling.ending, ruling.verdict.result, ruling.verdict.error)
            if again or is_what_became_of(error, report.outcome):
                answers[key] = Settled.REPLAYED
                continue
            cancelled = states.get(key.task) == TaskState.CANCELLED
            answers[key] = Settled.CANCELLED if cancelled else Settled.LOST
            late.append(key)
        if late:
            stamped = [(key, self._ids.stamp()) for key in late]
            self._store.steps.record_rejected(
                stamped, "late report refused: the lease was lost", self._clock.now(), actor
            )


def _distinct(reports: Sequence[Report]) -> list[Report]:
    """Of several reports of one lease the first, where it stands."""
    first: dict[LeaseKey, Report] = {}
    for report in reports:
        first.setdefault(report.outcome.key, report)
    return list(first.values())


def _over(rulings: Sequence[Ruling], done: Settlement) -> list[tuple[int, int]]:
    """The steps that were brought to their end."""
    ended = (ruling.verdict for ruling in rulings if ruling.verdict.state.is_final)
    return [(verdict.key.task, verdict.key.no) for verdict in ended if verdict.key in done.applied]


def _published(rulings: Sequence[Ruling], done: Settlement) -> list[Event]:
    """The events of what was applied, counted."""
    applied = [ruling for ruling in rulings if ruling.verdict.key in done.applied]
    events = [event for ruling in applied for event in ruling.events]
    count_events(events, [note for ruling in applied for note in ruling.notes])
    return events


def _batches(reports: Sequence[Report]) -> Iterator[list[Report]]:
    batch: list[Report] = []
    size = 0
    for report in reports:
        more = _weight(report.outcome) + (weight(report) if report.drafts else 0)
        if batch and (len(batch) == LARGEST_BATCH or size + more > LARGEST_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(report)
        size += more
    if batch:
        yield batch


def _weight(outcome: Outcome) -> int:
    if outcome.error is not None:
        return 300 + len(error_text(outcome.error))
    return 300 + len(outcome.result or "")
