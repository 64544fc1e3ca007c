"""Explain: for every unfinished step of a task, why it isn't finished and since when."""

from __future__ import annotations

from tasker_core.clock import Clock
from tasker_core.engine.catalog import Catalog
from tasker_core.errors import TaskNotFoundError
from tasker_core.rules.explain import Limit
from tasker_core.rules.explain import explain as decide
from tasker_core.rules.explanation import Explanation
from tasker_core.store import Store
from tasker_core.words import Micros, StepState

BEGUN = frozenset({StepState.IN_PROGRESS, StepState.WAITING_FOR_RETRY, StepState.ERROR})
"""Only of these is it told what the template allows them."""


def explain(store: Store, catalog: Catalog, clock: Clock, lease_time: Micros, task: str) -> Explanation:
    """Why the task with this UUID isn't finished, or how it came to rest. Raises TaskNotFoundError."""
    facts = store.insight.facts(task, clock.now())
    if facts is None:
        raise TaskNotFoundError(f"there is no task {task}")
    known = catalog.known(facts.template_id)
    steps = ((step.no, known.step(step.no)) for step in facts.steps if step.state in BEGUN)
    limits = {no: Limit(step.retry_policy.max_attempts, step.timeout_seconds) for no, step in steps}
    return decide(facts, limits, clock.now(), lease_time)
