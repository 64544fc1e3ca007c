"""What the model's tasks are made from: graphs of steps, and the wishes for tasks of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from tasker_core.rules.batches import BatchPlan
from tasker_core.rules.expand import Growth
from tasker_core.rules.graph import Ancestry, parents_of
from tasker_core.rules.template import Template
from tasker_core.rules.undo import UndoPlan
from tasker_core.words import RetryPolicy, lane_of

NAMESPACE = "model"
LIMITED = "h1"
"""The handler that may be limited."""


class PlannedStep(NamedTuple):
    """A step of a plan; ``parents`` are numbers of earlier steps, counted from 1. The last two are an analyzer's."""

    handler: str
    parents: tuple[int, ...]
    retry: RetryPolicy
    max_crashes: int
    type: str = "standard"
    parallelism: int = 10
    strategy: str = "continue_on_failure"
    compensated: bool = False


@dataclass(frozen=True)
class Plan:
    """A graph of steps, named s1, s2 ... in their order. The number of a task's step may be that of an instance."""

    name: str
    steps: tuple[PlannedStep, ...]
    limit: int | None = None
    """So many steps of the handler h1 may run at once."""

    @cached_property
    def edges(self) -> list[tuple[int, int]]:
        return [(parent, no) for no, step in enumerate(self.steps, 1) for parent in step.parents]

    @cached_property
    def parents(self) -> dict[int, list[int]]:
        return parents_of(range(1, len(self.steps) + 1), self.edges)

    @cached_property
    def ancestry(self) -> Ancestry[int]:
        return Ancestry(range(1, len(self.steps) + 1), self.edges)

    @cached_property
    def template(self) -> Template:
        return Template.from_content(self.content())

    @cached_property
    def growth(self) -> Growth:
        return Growth.of(self.template)

    @cached_property
    def undo(self) -> UndoPlan:
        return UndoPlan.of(self.template, self.growth)

    def step(self, no: int) -> PlannedStep:
        return self.steps[(self.undo.undone(no) or self.growth.declared(no)) - 1]

    def lane(self, no: int) -> str:
        return lane_of(NAMESPACE, self.step(no).handler)

    def batch_of(self, no: int) -> BatchPlan | None:
        """The batch that step ``no`` is an instance of."""
        return self.growth.batches.get(self.growth.declared(no)) if no > len(self.steps) else None

    def converges_on(self, no: int) -> list[int]:
        """The worker steps that step ``no`` waits for."""
        if self.undo.undone(no):
            return []
        return [parent for parent in self.parents[self.growth.declared(no)] if parent in self.growth.batches]

    def inputs(self, no: int, wants: Collection[str]) -> set[int]:
        """The declared steps whose results go along with step ``no``."""
        if undone := self.undo.undone(no):
            return {undone} | {a for a in self.ancestry.of(undone) if f"s{a}" in wants}
        declared, batch = self.growth.declared(no), self.batch_of(no)
        parents = set(self.parents[declared]) - ({batch.analyzer} if batch else set())
        analyzers = {self.growth.batches[worker].analyzer for worker in self.converges_on(no)}
        return parents | analyzers | {a for a in self.ancestry.of(declared) if f"s{a}" in wants}

    @property
    def limits(self) -> dict[str, int]:
        """How many of a lane may run at once, as far as this plan says it."""
        limited = self.limit is not None and any(step.handler == LIMITED for step in self.steps)
        return {lane_of(NAMESPACE, LIMITED): self.limit} if limited and self.limit else {}

    def content(self) -> dict[str, Any]:
        """The same as a template."""
        return {
            "name": self.name, "namespace_name": NAMESPACE, "version": "1.0.0",
            "steps": [
                {
                    "name": f"s{no}", "type": step.type, "handler": {"callable": step.handler},
                    "max_crashes": step.max_crashes,
                    "dependencies": [f"s{parent}" for parent in step.parents],
                    "retry": {name: getattr(step.retry, name) for name in RetryPolicy.__slots__},
                    **({"batch_config": self._batch_config(no, step)} if step.type == "batchable" else {}),
                    **({"concurrency": self.limit} if self.limit and step.handler == LIMITED else {}),
                    **({"compensate": self._compensation(step)} if step.compensated else {}),
                }
                for no, step in enumerate(self.steps, 1)
            ],
        }  # fmt: skip

    def _compensation(self, step: PlannedStep) -> dict[str, Any]:
        retry = {name: getattr(step.retry, name) for name in RetryPolicy.__slots__}
        return {"handler": step.handler, "retry": retry, "max_crashes": step.max_crashes}

    def _batch_config(self, no: int, step: PlannedStep) -> dict[str, Any]:
        workers = [n for n, other in enumerate(self.steps, 1) if other.type == "batch_worker" and no in other.parents]
        return {
            "worker_template": f"s{workers[0]}", "parallelism": step.parallelism, "failure_strategy": step.strategy,
        }  # fmt: skip


class Wish(NamedTuple):
    """A task that is asked for; the same plan and order make it the same task."""

    uuid: str
    plan: Plan
    order: int
    priority: int

    @property
    def identity(self) -> tuple[str, int]:
        return self.plan.name, self.order
