"""A task template: the steps of a workflow, what runs each, and what each waits for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from tasker_core.rules import payload, semver
from tasker_core.rules.graph import Ancestry
from tasker_core.rules.limits import Limits, read_rate
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template_blocks import (
    BatchConfig,
    Block,
    Compensation,
    DomainEvent,
    Environment,
    HandlerSpec,
    JsonSchema,
    Lifecycle,
    Metadata,
    Publication,
    Retry,
    Seconds,
    SystemDependencies,
    words,
)
from tasker_core.rules.template_limits import Concurrency, bare_limit, checked_rate
from tasker_core.words import RetryPolicy

NAME, NAMESPACE, STEP_NAME = r"[a-z][a-z0-9_]*", r"[A-Za-z_][A-Za-z0-9_]*", r"[A-Za-z0-9_-]+"
"""What names of templates, of namespaces and of steps are made of."""
LONGEST_NAMESPACE = 29
LONGEST_STEP_NAME = 128
UNDO = "undo:"
"""What the name of a step begins with that undoes another one: no name that a template gives has a colon."""

StepType: TypeAlias = Literal["standard", "decision", "deferred_convergence", "batchable", "batch_worker"]
OTHER_STEP_TYPES = {"decision_point": "decision", "deferred": "deferred_convergence"}


class Identity(NamedTuple):
    """What makes a template this one."""

    namespace_name: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.namespace_name}/{self.name} {self.version}"


def _template_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        likely = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        hint = f"; write {likely!r}" if re.match(r"[a-z]", likely) else ""
        raise words("BAD_NAME", f"must be lower-case letters, digits and _, a letter first; found {name!r}{hint}")
    return _at_most(255, name)


def _namespace(name: str) -> str:
    if not re.fullmatch(NAMESPACE, name):
        raise words("BAD_NAME", f"must be letters, digits and _, no digit first; found {name!r}")
    if len(name) > LONGEST_NAMESPACE:
        found = f"{name!r} has {len(name)}"
        raise words("NAMESPACE_TOO_LONG", f"may have {LONGEST_NAMESPACE} characters at most; {found}")
    return name


def _step_name(name: str) -> str:
    if not re.fullmatch(STEP_NAME, name):
        raise words("BAD_NAME", f"must be letters, digits, _ and -; found {name!r}")
    return _at_most(LONGEST_STEP_NAME, name)


def _version(text: str) -> str:
    if wrong := semver.problem(text):
        raise words("BAD_VERSION", wrong)
    return _at_most(50, text)


def _at_most(longest: int, text: str) -> str:
    if len(text) > longest:
        raise words("BAD_NAME", f"may have {longest} characters at most; found {len(text)}")
    return text


def _step_type(value: Any) -> Any:
    return OTHER_STEP_TYPES.get(value, value) if isinstance(value, str) else value


class StepTemplate(Block):
    """One step: what runs it, what it waits for, how it is retried."""

    other_names: ClassVar[Mapping[str, str]] = {"depends_on": "dependencies", "step_type": "type"}

    name: Annotated[str, AfterValidator(_step_name)]
    description: str | None = None
    type: Annotated[StepType, BeforeValidator(_step_type)] = "standard"
    handler: HandlerSpec
    dependencies: tuple[str, ...] = Field((), strict=False)
    system_dependency: str | None = None
    retry: Retry | None = None
    timeout_seconds: Seconds | None = None
    max_crashes: int = Field(3, ge=1, le=1_000)
    publishes_events: tuple[Publication, ...] = Field((), strict=False)
    batch_config: BatchConfig | None = None
    result_schema: JsonSchema | None = None
    composition: Any = None
    compensate: Compensation | None = None
    concurrency: Annotated[Concurrency | None, BeforeValidator(bare_limit)] = None
    rate: Annotated[str, AfterValidator(checked_rate)] | None = None

    @property
    def retry_policy(self) -> RetryPolicy:
        """The retry policy, with the defaults where the template is silent."""
        return self.retry.policy if self.retry else RetryPolicy()

    @property
    def limits(self) -> Limits:
        """What the step says of its handler."""
        how = self.concurrency
        rate = read_rate(self.rate) if self.rate is not None else None
        return Limits(how.limit if how else None, how.most_per_key if how else None, rate)


class Template(Block):
    """A workflow: the steps in the order of the file, and what is true of all its tasks.

    >>> template = Template.from_content({
    ...     "name": "order", "namespace_name": "shop", "version": "1.0.0",
    ...     "steps": [
    ...         {"name": "check", "handler": {"callable": "check"}},
    ...         {"name": "pay", "handler": {"callable": "pay"}, "dependencies": ["check"]},
    ...     ],
    ... })
    >>> template.edges(), sorted(template.ancestors("pay")), str(template.identity)
    (((1, 2),), ['check'], 'shop/order 1.0.0')
    """

    name: Annotated[str, AfterValidator(_template_name)]
    namespace_name: Annotated[str, AfterValidator(_namespace)]
    version: Annotated[str, AfterValidator(_version)]
    description: str | None = None
    metadata: Metadata | None = None
    system_dependencies: SystemDependencies | None = None
    domain_events: tuple[DomainEvent, ...] = Field((), strict=False)
    input_schema: JsonSchema | None = None
    steps: tuple[StepTemplate, ...] = Field(min_length=1, strict=False)
    environments: dict[str, Environment] = {}  # noqa: RUF012  (pydantic copies it)
    lifecycle: Lifecycle | None = None
    identity_strategy: Literal["strict", "caller_provided", "always_unique"] = "strict"
    identity_window_seconds: Seconds | None = None
    default_context: dict[str, Any] | None = None
    default_options: dict[str, Any] | None = None
    schema_validation: Literal["warn", "enforce"] = "warn"

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Template:
        """The template that ``content()`` described. Raises pydantic.ValidationError for anything else.

        To load what a person wrote, use ``template_text.read_mapping``: it checks more and explains better.
        """
        return cls.model_validate(content)

    def content(self) -> dict[str, Any]:
        """All that the template says, as JSON values. What stands at its default is left out.

        So the content doesn't depend on how the text was laid out, nor on keys that a later release adds.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def digest(self) -> str:
        """SHA-256 (hex) of the content in canonical JSON: equal for templates that say the same."""
        return self._digest

    @property
    def identity(self) -> Identity:
        """Namespace, name and version."""
        return Identity(self.namespace_name, self.name, self.version)

    def step(self, name: str) -> StepTemplate:
        """The step of this name. Raises KeyError, naming the nearest one, if there is none."""
        try:
            return self.steps[self._numbers[name] - 1]
        except KeyError:
            hint = did_you_mean(name, self._numbers)
            raise KeyError(f"template {self.identity} has no step {name!r}{hint}") from None

    @cached_property
    def undo_steps(self) -> Mapping[int, StepTemplate]:
        """By the number of each step that declares a compensation, the step that undoes it."""
        return {
            number: StepTemplate.model_construct(
                name=f"{UNDO}{step.name}",
                **{name: getattr(step.compensate, name) for name in type(step.compensate).model_fields},
            )
            for number, step in enumerate(self.steps, start=1)
            if step.compensate is not None
        }

    @cached_property
    def every_step(self) -> tuple[StepTemplate, ...]:
        """The declared steps, and behind them those that undo some of them: a step's number is its place, from 1."""
        return (*self.steps, *self.undo_steps.values())

    def edges(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) for every dependency; steps are numbered from 1 in the order of the file."""
        return self._edges

    def ancestors(self, step_name: str) -> frozenset[str]:
        """The names of all steps that must be finished before this one starts. Raises KeyError for an unknown step."""
        self.step(step_name)
        return self._ancestry.of(step_name)

    @cached_property
    def _digest(self) -> str:
        return payload.digest(self.content())

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {step.name: number for number, step in enumerate(self.steps, start=1)}

    @cached_property
    def _edges(self) -> tuple[tuple[int, int], ...]:
        number = self._numbers
        return tuple(
            (number[parent], number[step.name]) for step in self.steps for parent in dict.fromkeys(step.dependencies)
        )

    @cached_property
    def _ancestry(self) -> Ancestry[str]:
        names = [step.name for step in self.steps]
        return Ancestry(names, ((names[parent - 1], names[child - 1]) for parent, child in self._edges))
