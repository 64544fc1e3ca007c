"""Batches: how a template declares one, how the steps that it makes are numbered, which of them may run.

An *analyzer* (``batchable``) cuts work into pieces; for each piece a step is made after the pattern of a worker step
(``batch_worker``), which itself never exists: an *instance* of it. The number of an instance holds that of its worker
step in its high bits and the index of its piece in the low ones, so that whoever meets it knows what it is without
asking the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_blocks import BatchConfig

INDEX_BITS = 16
MOST_INSTANCES = 1 << INDEX_BITS
"""How many instances one batch may have."""
FIRST_INSTANCE = 1 << INDEX_BITS
"""Lower numbers are those of declared steps."""
MOST_INSTANCES_TOLD = 100
"""How many of a batch's instances are told of one by one where a whole task is told of."""
MOST_STEPS_WITH_BATCHES = (1 << 31 - INDEX_BITS) - 1
"""How many steps a template with batches may declare: the number of an instance has to fit into 32 bits."""

NO_WORK = "000"
"""The batch id of the placeholder that stands for no work at all."""

FAIL_FAST, ISOLATE = "fail_fast", "isolate"


def instance_no(worker: int, index: int) -> int:
    """The number of the instance of step ``worker`` for the piece at ``index``, from 0.

    >>> instance_no(2, 5), worker_of(instance_no(2, 5)), index_of(instance_no(2, 5))
    (131077, 2, 5)
    """
    return (worker << INDEX_BITS) + index


def worker_of(instance: int) -> int:
    """The number of the worker step that ``instance`` is made after."""
    return instance >> INDEX_BITS


def index_of(instance: int) -> int:
    """Which piece ``instance`` works on, from 0."""
    return instance & (MOST_INSTANCES - 1)


class BatchPlan(NamedTuple):
    """A batch as the template declares it: the numbers of its steps, and how it is run."""

    analyzer: int
    worker: int
    parallelism: int
    strategy: str
    cursor_field: str
    checkpoint_interval: int | None


class Slots(NamedTuple):
    """Which instances of a batch may run: those below ``next`` were let in, ``free`` more may be, unless it is halted.

    The statements ``end_instances`` and ``admit_instances`` compute the same.

    >>> Slots(total=5, next=2, free=0).ended(1)
    Slots(total=5, next=3, free=0, halted=False)
    """

    total: int
    next: int
    free: int
    halted: bool = False

    @classmethod
    def of(cls, total: int, parallelism: int) -> Slots:
        """Those of a batch that begins."""
        first = min(total, parallelism)
        return cls(total, first, parallelism - first)

    def ended(self, count: int, *, halt: bool = False) -> Slots:
        """``count`` instances came to their end; with ``halt`` no other may begin."""
        return self._replace(free=self.free + count, halted=self.halted or halt)._admitting()

    def again(self) -> Slots:
        """An operator has one run again that had ended."""
        return self._replace(free=self.free - 1, halted=False)._admitting()

    def with_begun(self, count: int, parallelism: int) -> Slots:
        """``count`` of those that were let in aren't at their end, and the batch goes on."""
        return self._replace(free=parallelism - count, halted=False)._admitting()

    def _admitting(self) -> Slots:
        more = 0 if self.halted else max(0, min(self.free, self.total - self.next))
        return self._replace(next=self.next + more, free=self.free - more)


def batch_plans(template: Template) -> Mapping[int, BatchPlan]:
    """The batches that ``template`` declares, by the number of their worker steps; those that can't be told are not
    among them."""
    numbers = {step.name: no for no, step in enumerate(template.steps, 1)}
    plans = {}
    for no, step in enumerate(template.steps, 1):
        analyzers = analyzers_of(step, template, numbers) if step.type == "batch_worker" else ()
        if len(analyzers) == 1:
            plans[no] = _plan(analyzers[0], no, template.steps[analyzers[0] - 1], step)
    return plans


def analyzers_of(worker: StepTemplate, template: Template, numbers: Mapping[str, int]) -> Sequence[int]:
    """The numbers of the analyzers that a worker step depends on; there should be one."""
    parents = [numbers[name] for name in dict.fromkeys(worker.dependencies) if name in numbers]
    return [no for no in parents if template.steps[no - 1].type == "batchable"]


def _plan(analyzer: int, worker: int, cutting: StepTemplate, working: StepTemplate) -> BatchPlan:
    config = cutting.batch_config or working.batch_config or BatchConfig(worker_template=working.name)
    return BatchPlan(
        analyzer,
        worker,
        min(config.parallelism, MOST_INSTANCES),
        config.failure_strategy,
        config.cursor_field,
        config.checkpoint_interval,
    )


def worker_for_no_work(analyzer: StepTemplate, workers: Sequence[str]) -> str | None:
    """Which of its ``workers`` stands for no work at all: the one that the analyzer names, else its only one."""
    named = analyzer.batch_config.worker_template if analyzer.batch_config else None
    named = named or analyzer.handler.initialization.get("worker_template_name")
    if named in workers:
        return str(named)
    return workers[0] if len(workers) == 1 else None
