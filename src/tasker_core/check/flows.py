"""A template together with the handlers that run its steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tasker_core.check.handlers import Handler
from tasker_core.check.schemas import Shape, whole
from tasker_core.rules.expand import Growth
from tasker_core.rules.findings import Findings, Path
from tasker_core.rules.template import StepTemplate, Template


@dataclass(frozen=True)
class StepCode:
    """A step, declared or undoing another one, and its handler where that is known."""

    step: StepTemplate
    path: Path
    """Where it stands in the template: the step, or its ``compensate``."""
    undoes: str | None = None
    handler: Handler | None = None

    @property
    def what(self) -> str:
        return f"step {self.step.name!r}" if self.undoes is None else f"the compensation of step {self.undoes!r}"


@dataclass(frozen=True)
class Flow:
    """A template as it is in one environment, with its handlers; findings go to its file."""

    template: Template
    steps: Sequence[StepCode]
    findings: Findings
    has_handlers: bool

    def coded(self) -> Iterator[tuple[StepCode, Handler]]:
        """The steps whose handlers are known."""
        for step in self.steps:
            if step.handler is not None:
                yield step, step.handler

    def before(self, code: StepCode) -> frozenset[str]:
        """The steps whose results are there when this one runs."""
        if code.undoes is not None:
            return self.template.ancestors(code.undoes) | {code.undoes}
        return self.template.ancestors(code.step.name)

    def named(self, name: str) -> StepCode | None:
        """The declared step of this name."""
        return self._by_name.get(name)

    def result_of(self, name: str) -> Shape | None:
        """What a step's result looks like: as its handler tells it, else as its ``result_schema`` says."""
        code = self.named(name)
        if code is None or code.step.type == "batch_worker":
            return None
        told = code.handler.returns if code.handler is not None else None
        if told is not None:
            return told
        schema = code.step.result_schema
        return None if schema is None else whole(schema)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.template.steps)

    @cached_property
    def _by_name(self) -> dict[str, StepCode]:
        return {code.step.name: code for code in self.steps if code.undoes is None}

    @cached_property
    def input_shape(self) -> Shape | None:
        """What contexts look like: the ``input_schema``, and what ``default_context`` adds; None where none is said."""
        schema = self.template.input_schema
        if schema is None:
            return None
        added = self.template.default_context or {}
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return whole(schema)
        required = schema.get("required")
        return whole(
            {
                **schema,
                "properties": {**{name: {} for name in added}, **properties},
                "required": [*(required if isinstance(required, list) else ()), *added],
            }
        )


@dataclass
class Use:
    """What a handler finds in one or the other of the places where it runs."""

    steps: set[str] = field(default_factory=set)
    """Of the templates."""
    before: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)
    choices: set[str] = field(default_factory=set)
    """What it may choose, if it decides."""


@dataclass
class Uses:
    """The handlers of a project, each with what it finds in any of its places.

    One handler may run several steps and ask which one it is, so what is there for one of them isn't missed at another.
    """

    of_handler: dict[Handler, Use] = field(default_factory=dict)

    @classmethod
    def of(cls, flows: Sequence[Flow]) -> Uses:
        uses = cls()
        for flow in flows:
            growth = Growth.of(flow.template)
            for code, handler in flow.coded():
                use = uses.of_handler.setdefault(handler, Use())
                use.steps.update(flow.names)
                use.before.update(flow.before(code))
                use.settings.update(code.step.handler.initialization)
                if flow.input_shape is not None:
                    use.inputs.update(flow.input_shape.properties)
                if code.undoes is None and code.step.type == "decision":
                    use.choices.update(growth.choices(flow.names.index(code.step.name) + 1))
        return uses

    def __getitem__(self, handler: Handler) -> Use:
        return self.of_handler[handler]
