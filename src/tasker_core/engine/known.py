"""A registered template, compiled: what creating, claiming, settling and explaining ask of it, by a step's number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tasker_core.clock import SECOND
from tasker_core.rules.batches import BatchPlan, worker_of
from tasker_core.rules.context_field import Part, read_path
from tasker_core.rules.expand import Growth
from tasker_core.rules.schema import Schema
from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_blocks import Publication
from tasker_core.rules.template_environment import in_environment
from tasker_core.rules.undo import UndoPlan
from tasker_core.words import Attempted, Micros, RetryPolicy, lane_of


class Published(NamedTuple):
    """An event that a step declares, and the schema of its payload, ready to be asked."""

    declaration: Publication
    schema: Schema


@dataclass(frozen=True)
class Known:
    """A template by its id in the store; steps are numbered from 1, in the order of the file.

    Whoever asks by the number of a task's step may ask about an instance of a batch: what holds for its worker step
    holds for it.
    """

    id: str
    written: Template
    environment: str = ""
    enforces_schemas: bool = False

    @cached_property
    def template(self) -> Template:
        """The template as it is in the environment."""
        return in_environment(self.written, self.environment)

    @cached_property
    def input_schema(self) -> Schema | None:
        """What a context must fit."""
        schema = self.template.input_schema
        return Schema(schema) if schema is not None else None

    @cached_property
    def result_schemas(self) -> dict[int, Schema]:
        """What the results of steps must fit, by number; most steps have none."""
        schemas = ((no, step.result_schema) for no, step in enumerate(self.template.steps, 1))
        return {no: Schema(schema) for no, schema in schemas if schema is not None}

    @cached_property
    def published(self) -> dict[int, tuple[Published, ...]]:
        """The events that steps publish, by number; most steps publish none."""
        return {
            no: tuple(Published(event, Schema(event.payload_schema)) for event in step.publishes_events)
            for no, step in enumerate(self.template.steps, 1)
            if step.publishes_events
        }

    @cached_property
    def identity_window(self) -> Micros | None:
        """After how long another task may take an identity over."""
        seconds = self.template.identity_window_seconds
        return None if seconds is None else round(seconds * SECOND)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {step.name: no for no, step in enumerate(self.template.steps, 1)}

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        namespace = self.template.namespace_name
        return tuple(lane_of(namespace, step.handler.callable) for step in self.template.every_step)

    @cached_property
    def keys(self) -> dict[int, Sequence[Part]]:
        """Where in a context the keys of those steps are that are limited by one."""
        keyed = ((no, step.concurrency) for no, step in enumerate(self.template.steps, 1))
        return {no: read_path(how.key) for no, how in keyed if how is not None and how.key is not None}

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of each step's parents."""
        return tuple(tuple(self.numbers[name] for name in step.dependencies) for step in self.template.steps)

    @cached_property
    def child_lanes(self) -> tuple[tuple[str, ...], ...]:
        """The lanes of each step's children: where something may be ready once it is settled."""
        lanes: list[list[str]] = [[] for _ in self.template.steps]
        for no, parents in enumerate(self.parents, 1):
            for parent in parents:
                if self.lanes[no - 1] not in lanes[parent - 1]:
                    lanes[parent - 1].append(self.lanes[no - 1])
        for no in self.growth.batches:
            # Another instance of the same batch may have waited for the place of this one.
            if self.lanes[no - 1] not in lanes[no - 1]:
                lanes[no - 1].append(self.lanes[no - 1])
        undoing = tuple(dict.fromkeys(self.lanes[len(lanes) :]))
        return (*map(tuple, lanes), *(undoing for _ in self.template.undo_steps))

    def place(self, no: int) -> int:
        """Where in the lists of this template the step ``no`` of a task stands, from 0. Raises IndexError."""
        if no <= len(self.template.every_step):
            return no - 1
        worker = worker_of(no)
        if worker not in self.growth.batches:
            raise IndexError(f"{self.template.identity} has no step number {no}")
        return worker - 1

    def has(self, no: int) -> bool:
        """Whether a task of this template can have a step ``no``."""
        return 0 < no <= len(self.template.every_step) or worker_of(no) in self.growth.batches

    def lane(self, no: int) -> str:
        """The lane of step ``no``."""
        return self.lanes[self.place(no)]

    def lanes_behind(self, no: int) -> tuple[str, ...]:
        """The lanes in which something may be ready once step ``no`` is settled."""
        return self.child_lanes[self.place(no)]

    def batch_of(self, no: int) -> BatchPlan | None:
        """The batch that step ``no`` is an instance of."""
        return self.growth.batches.get(worker_of(no)) if no > len(self.template.steps) else None

    @cached_property
    def growth(self) -> Growth:
        """Which steps a task begins with, and which its decisions and batches bring about."""
        return Growth.of(self.template)

    @cached_property
    def undo(self) -> UndoPlan:
        """How the tasks of this template are undone; false where none of its steps declares a compensation."""
        return UndoPlan.of(self.template, self.growth)

    @cached_property
    def rows(self) -> list[tuple[int, str, str, int]]:
        """(no, name, lane, count of parents) of each step that a task begins with."""
        named = zip(self.template.steps, self.lanes, self.parents, strict=False)
        every = [(no, step.name, lane, len(parents)) for no, (step, lane, parents) in enumerate(named, 1)]
        return [row for row in every if row[0] in self.growth.initial]

    @cached_property
    def edges(self) -> list[tuple[int, int]]:
        """(parent, child) among the steps that a task begins with."""
        return [edge for edge in self.template.edges() if edge[1] in self.growth.initial]

    @cached_property
    def first_lanes(self) -> tuple[str, ...]:
        """The lanes of the steps that wait for no other."""
        return tuple(dict.fromkeys(lane for _, _, lane, parents in self.rows if not parents))

    def step(self, no: int) -> StepTemplate:
        """What the template says of step ``no``. Raises IndexError."""
        return self.template.every_step[self.place(no)]

    def retry_policy(self, no: int) -> RetryPolicy:
        """When and how often step ``no`` is run again."""
        return self._limits[self.place(no)][0]

    def attempted(self, no: int, attempt: int, crashes: int) -> Attempted:
        """What the rules ask about an attempt of step ``no``."""
        policy, max_crashes = self._limits[self.place(no)]
        return Attempted(attempt, policy, crashes, max_crashes)

    @cached_property
    def _limits(self) -> tuple[tuple[RetryPolicy, int], ...]:
        return tuple((step.retry_policy, step.max_crashes) for step in self.template.every_step)

    def inputs(self, no: int, declared: Sequence[str]) -> Mapping[int, str]:
        """The declared steps whose results go along with step ``no``: its parents, and the ancestors that its handler
        declares. With what comes after a batch goes what its analyzer said; with an instance it doesn't: it can be
        large, there are many instances, and each is told its own part."""
        place = self.place(no)
        inputs = self._inputs.get((place, declared))
        if inputs is None and (undone := self.undo.undone(no)):
            # What it undoes, and of the steps before that what the handler asks for.
            ancestors = self.template.ancestors(self.step(undone).name)
            inputs = {undone: self.step(undone).name}
            inputs |= {self.numbers[name]: name for name in declared if name in ancestors}
            self._inputs[place, declared] = inputs
        if inputs is None:
            plan = self.growth.batches.get(place + 1)
            parents = [parent for parent in self.parents[place] if plan is None or parent != plan.analyzer]
            before = [self.growth.batches[parent].analyzer for parent in self.converges_on(no)]
            inputs = {parent: self.step(parent).name for parent in (*before, *parents)}
            if declared:
                ancestors = self.template.ancestors(self.step(no).name)
                inputs |= {self.numbers[name]: name for name in declared if name in ancestors}
            self._inputs[place, declared] = inputs
        return inputs

    def converges_on(self, no: int) -> Sequence[int]:
        """The worker steps of the batches that step ``no`` waits for."""
        batches = self.growth.batches
        if not batches or self.undo.undone(no):
            return ()
        return [parent for parent in self.parents[self.place(no)] if parent in batches]

    @cached_property
    def _inputs(self) -> dict[tuple[int, Sequence[str]], Mapping[int, str]]:
        return {}
