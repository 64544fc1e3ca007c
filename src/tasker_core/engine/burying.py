"""What dead letters say: why, which error, whose workers, and a fingerprint by which those of one fault are grouped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasker_core.clock import Ids
from tasker_core.engine.known import Known
from tasker_core.rules.fingerprint import Fault
from tasker_core.store import Store
from tasker_core.store.burial import DeadLetter, Letter
from tasker_core.store.settling import Ruling
from tasker_core.words import Death, Ending, Report

LONGEST_MESSAGE = 2_000


def letter_of(store: Store, ids: Ids, known: Known, report: Report, ruling: Ruling, actor: str) -> DeadLetter:
    """The letter of a step that ends for good: it lost too many workers, or has no attempt left."""
    verdict, key = ruling.verdict, ruling.verdict.key
    detail: dict[str, Any] = {"reason": verdict.reason, "by": actor}
    error = report.outcome.error
    said = ("", "", "")
    if verdict.death == Death.WORKER_LOST:
        detail["workers"] = _lost_workers(store, ruling)
    elif error is not None:
        said = (error.error_type, error.error_code or "", error.message)
        detail["error"] = {
            "error_type": error.error_type,
            "error_code": error.error_code,
            "message": error.message[:LONGEST_MESSAGE],
        }
    template, step = known.template, known.step(key.no).name
    fault = Fault(template.namespace_name, template.name, step, verdict.death, *said)
    return DeadLetter(key, letter(ids, key.task, key.no, fault, detail))


def letter(ids: Ids, task: int, no: int, fault: Fault, detail: Mapping[str, Any]) -> Letter:
    """A letter about ``fault``."""
    text = json.dumps(detail, ensure_ascii=True)
    return Letter(ids.new(), task, no, fault.reason, text, fault.fingerprint, fault.title)


def _lost_workers(store: Store, ruling: Ruling) -> list[str]:
    """The workers that were lost in a row; the last one's attempt isn't among the ended ones yet."""
    key, verdict = ruling.verdict.key, ruling.verdict
    ended = store.tasks.attempts(key.task, [key.no])
    lost = [attempt.worker for attempt in ended if attempt.ending == Ending.LOST]
    steps, _ = store.tasks.steps([key.task])
    lost += [step.worker for step in steps[key.task] if step.no == key.no]
    names = store.workers.names(lost)
    return [f"{names[w][1]} ({names[w][0]})" if w in names else str(w) for w in lost[-verdict.crashes :]]
