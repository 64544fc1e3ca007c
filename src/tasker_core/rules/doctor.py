"""Does the work move, and if not, who has to do what? Judged from what waits, runs and has failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tasker_core.rules.diagnosis import Check, CheckKind, Level
from tasker_core.rules.doctor_pauses import judge_pauses
from tasker_core.rules.doctor_queue import Served, judge_queues, judge_templates
from tasker_core.rules.explain_queue import MOST_NAMED, is_alive
from tasker_core.rules.explanation import at, counted, listed, span
from tasker_core.rules.facts import WorkerFact
from tasker_core.rules.symptoms import MOST_COUNTED, Pile, Symptoms
from tasker_core.words import Micros, split_lane

GRACE: Micros = 10_000_000
"""For how long something may be overdue that workers do every second or two."""
FUTURE: Micros = 5_000_000
"""How far ahead of now a time may lie that was written a moment ago by another machine."""
DEAD = "dead"
"""The state of a worker whose process has ended and which nobody has given up yet."""
START = "start one: tasker worker --handlers PACKAGE"


def judge(symptoms: Symptoms, now: Micros, lease_time: Micros) -> Iterable[Check]:
    """Workers, what they serve, and everything that waits for them or for a person. ``lease_time`` is for how long a
    silent worker is believed to live."""
    if symptoms.dead:
        workers = [w._replace(state=DEAD) if w.id in symptoms.dead else w for w in symptoms.workers]
        symptoms = replace(symptoms, workers=workers)
    served = Served(symptoms.workers, now, lease_time)
    yield from _workers(symptoms, served, now, lease_time)
    if any(is_alive(worker, now, lease_time) for worker in symptoms.workers):
        yield _sweep(symptoms, now, lease_time)
    yield from judge_templates(symptoms.templates, served)
    yield from judge_queues(_unheld(symptoms), served, now)
    yield from judge_pauses(symptoms.paused, symptoms.paused_tasks, now)
    yield from _lost(symptoms, served, now, lease_time)
    yield _retries(symptoms.overdue, served, now)
    yield _failures(symptoms, now)
    yield _dead_letters(symptoms.dead_letters, now)


def _unheld(symptoms: Symptoms) -> Mapping[str, Pile]:
    """What waits for workers; a paused namespace doesn't."""
    return {lane: pile for lane, pile in symptoms.queues.items() if split_lane(lane)[0] not in symptoms.paused}


def _workers(symptoms: Symptoms, served: Served, now: Micros, lease_time: Micros) -> Iterable[Check]:
    workers = symptoms.workers
    yield _crew(symptoms, served, now)
    silent = [worker for worker in workers if not is_alive(worker, now, lease_time)]
    idle = [worker for worker in served.live if not worker.lanes]
    ahead = [worker for worker in workers if worker.beat_at > now + FUTURE]
    for worker in silent[:MOST_NAMED]:
        yield _silent(worker, served, now)
    for worker in idle[:MOST_NAMED]:
        advice = "name its handlers' package (--handlers), and register templates that use them"
        yield Check(CheckKind.WORKERS, Level.WARNING, who(worker), "lives, and serves no step of any template", advice)
    for worker in ahead[:MOST_NAMED]:
        text = f"its last beat lies {span(worker.beat_at - now)} in the future: a clock was set back"
        advice = "set the clock right; until that time has come a death of this worker isn't noticed from elsewhere"
        yield Check(CheckKind.CLOCK, Level.WARNING, who(worker), text, advice)


def _crew(symptoms: Symptoms, served: Served, now: Micros) -> Check:
    live = served.live
    held = sum(worker.held for worker in symptoms.workers)
    details = {"live": len(live), "slots": sum(worker.slots for worker in live), "held": held}
    if live:
        last = max(worker.beat_at for worker in live)
        text = (
            f"{counted(len(live), 'worker')} live, with {counted(details['slots'], 'slot')} and "
            f"{counted(held, 'step')} in progress; the last beat came {span(now - last)} ago"
        )
        return Check(CheckKind.WORKERS, Level.OK, "workers", text, details=details)
    piles = [*_unheld(symptoms).values(), *symptoms.lost.values(), *([symptoms.overdue] if symptoms.overdue else [])]
    if not piles and not held:
        return Check(CheckKind.WORKERS, Level.OK, "workers", "none lives, and nothing waits for one", details=details)
    text = "none lives"
    if piles:
        text += f", and {_of(piles)} {_wait(piles)}, the oldest for {span(now - min(pile.since for pile in piles))}"
    details |= {"waiting": sum(pile.size for pile in piles)}
    return Check(CheckKind.WORKERS, Level.ERROR, "workers", text, START, details)


def _silent(worker: WorkerFact, served: Served, now: Micros) -> Check:
    holds = f"; it holds {counted(worker.held, 'step')}" if worker.held else ""
    if worker.state == DEAD:
        text, advice = f"its process has ended{holds}", ""
    else:
        text = f"silent for {span(now - worker.beat_at)}{holds}"
        advice = f"if process {worker.pid} on {worker.host} still runs, it hangs: end it; "
    if served.live:
        advice += "its steps go back to the queue with the next sweep of a live worker"
    else:
        advice += "its steps wait for a live worker's sweep"
    details = {"silent_seconds": round((now - worker.beat_at) / 1e6, 3), "held": worker.held, "state": worker.state}
    return Check(CheckKind.WORKERS, Level.WARNING, who(worker), text, advice, details)


def _sweep(symptoms: Symptoms, now: Micros, lease_time: Micros) -> Check:
    duty = symptoms.sweep
    place = "sweep"
    advice = "the workers' logs say why; restart one of them"
    if duty is None:
        text = "no worker has taken the duty to look for lost steps"
        return Check(CheckKind.SWEEP, Level.WARNING, place, text, advice)
    details = {"holder": duty.holder, "held_until": at(duty.held_until)}
    if duty.held_until < now - lease_time:
        text = f"the duty to look for lost steps lapsed {span(now - duty.held_until)} ago, and nobody has taken it"
        return Check(CheckKind.SWEEP, Level.ERROR, place, text, advice, details)
    if duty.held_until > now + 2 * lease_time + FUTURE:
        text = f"the duty to look for lost steps is taken until {at(duty.held_until)}: a clock was set back"
        advice = "set the clock right, and delete the row 'sweep' from the table of duties"
        return Check(CheckKind.SWEEP, Level.ERROR, place, text, advice, details)
    return Check(CheckKind.SWEEP, Level.OK, place, "a worker looks for lost steps", details=details)


def _lost(symptoms: Symptoms, served: Served, now: Micros, lease_time: Micros) -> Iterable[Check]:
    running = sum(worker.held for worker in symptoms.workers)
    if not symptoms.lost:
        yield Check(
            CheckKind.RUNNING, Level.OK, "running", f"{counted(running, 'step')} in progress, none of them lost"
        )
    for lane, pile in list(symptoms.lost.items())[:MOST_NAMED]:
        text = f"{_of([pile])} in progress at workers that are gone, the first for {span(now - pile.since)}"
        if not served.live:
            yield Check(CheckKind.RUNNING, Level.ERROR, lane, text, START, _details(pile))
        elif now - pile.since > lease_time + GRACE:
            advice = "the sweep doesn't get through: the workers' logs say why"
            yield Check(CheckKind.RUNNING, Level.ERROR, lane, text, advice, _details(pile))
        else:
            advice = "the next sweep of a live worker puts them back into the queue"
            yield Check(CheckKind.RUNNING, Level.WARNING, lane, text, advice, _details(pile))


def _retries(overdue: Pile | None, served: Served, now: Micros) -> Check:
    if overdue is None:
        return Check(CheckKind.RETRIES, Level.OK, "retries", "none is overdue")
    text = f"{_of([overdue], 'retry', 'retries')} should be in the queue, the first for {span(now - overdue.since)}"
    advice = "the workers don't get to it: their logs say why" if served.live else START
    return Check(CheckKind.RETRIES, Level.ERROR, "retries", text, advice, _details(overdue))


def _failures(symptoms: Symptoms, now: Micros) -> Check:
    failed = symptoms.failed
    if not failed:
        return Check(CheckKind.FAILURES, Level.OK, "failures", "none is blocked by a failure")
    tasks = {step.task: step.since for step in failed}
    first = min(tasks, key=lambda task: tasks[task])
    counts = {lane: sum(step.lane == lane for step in failed) for lane in {step.lane for step in failed}}
    common = sorted(counts, key=lambda lane: (-counts[lane], lane))
    what = listed([f"{lane} ({counts[lane]:,})" for lane in common], 3)
    least = "at least " if len(failed) >= MOST_COUNTED else ""
    are = "is" if len(tasks) == 1 else "are"
    text = (
        f"{least}{counted(len(tasks), 'task')} {are} blocked by failures, the first for {span(now - tasks[first])}; "
        f"what failed: {what}"
    )
    advice = f"tasker task list --status blocked_by_failures; tasker explain {first}"
    details = {"tasks": len(tasks), "task": first, "failed_steps": {lane: counts[lane] for lane in common[:MOST_NAMED]}}
    return Check(CheckKind.FAILURES, Level.WARNING, "failures", text, advice, details)


def _dead_letters(pile: Pile | None, now: Micros) -> Check:
    if pile is None:
        return Check(CheckKind.DEAD_LETTERS, Level.OK, "dead letters", "none is open")
    are = "is" if pile.size == 1 else "are"
    text = (
        f"{counted(pile.size, 'dead letter')} {are} open, the first for {span(now - pile.since)}: tasks that failed "
        "for good or stood still"
    )
    advice = f"see which faults there are: tasker dlq groups; tasker dlq show --task {pile.task}"
    return Check(CheckKind.DEAD_LETTERS, Level.WARNING, "dead letters", text, advice, _details(pile))


def who(worker: WorkerFact) -> str:
    return f"worker {worker.name} ({worker.host}, process {worker.pid})"


def _wait(piles: Sequence[Pile]) -> str:
    return "waits" if sum(pile.size for pile in piles) == 1 else "wait"


def _of(piles: Sequence[Pile], one: str = "step", many: str = "steps") -> str:
    count = sum(pile.size for pile in piles)
    least = "at least " if any(pile.size >= MOST_COUNTED for pile in piles) else ""
    return f"{least}{count:,} {one if count == 1 else many}"


def _details(pile: Pile) -> dict[str, object]:
    return {"count": pile.size, "since": at(pile.since), "task": pile.task}
