"""Which steps exist: at first those that no decision stands before, then those that each decision brings about.

A template is a graph of declared steps; a task holds those of them that exist so far. A step that stands behind a
decision comes into being when the decision is settled: because it was named, because all that it waits for exists now,
or, for a deferred one, because some of what it converges on exists and nothing more can come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tasker_core.rules.graph import ancestors, children_of, parents_of
from tasker_core.rules.payload import decode
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template import Template
from tasker_core.words import Ending, Outcome, StepError, StepState

MOST_STEPS_PER_DECISION = 100
"""How many steps one decision may name."""
DEEPEST_DECISIONS = 20
"""How many decisions may stand one behind the other."""

INVALID_DECISION = "invalid_decision"
"""The error type of a decision that can't be carried out."""

Choice = Sequence[str]
"""The names of the steps that a decision chose; none for no branches."""


class NewStep(NamedTuple):
    """A step that comes into being: its number, the parents that it really has, how many of them it waits for."""

    no: int
    parents: Sequence[int]
    waits: int


class ChoiceError(ValueError):
    """A decision's outcome that can't be carried out; the message says what would be right."""


@dataclass(frozen=True)
class Growth:
    """How the tasks of one template grow. Steps go by their numbers, from 1 in the order of the file.

    >>> growth = Growth.of(Template.from_content({
    ...     "name": "route", "namespace_name": "shop", "version": "1.0.0", "steps": [
    ...         {"name": "choose", "type": "decision", "handler": {"callable": "choose"}},
    ...         {"name": "air", "handler": {"callable": "air"}, "dependencies": ["choose"]},
    ...         {"name": "sea", "handler": {"callable": "sea"}, "dependencies": ["choose"]},
    ...         {"name": "done", "type": "deferred_convergence", "handler": {"callable": "done"},
    ...          "dependencies": ["air", "sea"]}]}))
    >>> sorted(growth.initial)
    [1]
    >>> growth.after(1, ["sea"], {1: "in_progress"})
    [NewStep(no=3, parents=(1,), waits=1), NewStep(no=4, parents=(3,), waits=1)]
    """

    names: Sequence[str]
    decisions: frozenset[int]
    deferred: frozenset[int]
    edges: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, template: Template) -> Growth:
        steps = list(enumerate(template.steps, 1))
        return cls(
            [step.name for _, step in steps],
            frozenset(no for no, step in steps if step.type == "decision"),
            frozenset(no for no, step in steps if step.type == "deferred_convergence"),
            template.edges(),
        )

    @cached_property
    def initial(self) -> frozenset[int]:
        """The steps that exist from the beginning."""
        if not self.decisions:
            return frozenset(self._numbers)
        return frozenset(no for no in self._numbers if not self._decisions_before(no))

    @cached_property
    def depth(self) -> int:
        """The largest number of decisions that stand one behind the other."""
        return max((1 + len(self._decisions_before(no)) for no in self.decisions), default=0)

    def choices(self, decision: int) -> list[str]:
        """The names that ``decision`` may choose: what follows from it without another decision between."""
        reached: set[int] = set()
        ahead = list(self._children[decision])
        while ahead:
            no = ahead.pop()
            if no not in reached:
                reached.add(no)
                if no not in self.decisions:
                    ahead += self._children[no]
        return [self.names[no - 1] for no in sorted(reached - self.deferred)]

    def after(self, decision: int, choice: Choice, states: Mapping[int, str]) -> list[NewStep]:
        """The steps that come into being when ``decision`` ends with ``choice``, in the order of the file.

        ``states`` has the state of every step that exists; the decision itself counts as one that is still waited for.
        Raises ChoiceError for a choice that can't be carried out.
        """
        named = self._named(decision, choice)
        # A step that an earlier try of this decision brought about is there already.
        there, fresh = set(states), set(named) - set(states)
        self._refuse_gaps(fresh, there | fresh)
        open_decisions = {no for no in self.decisions & there if no != decision and not _is_final(states[no])}
        while grown := self._grown(there | fresh, open_decisions | (self.decisions & fresh)):
            fresh |= grown
        return [self._new(no, there | fresh, states) for no in sorted(fresh)]

    def _named(self, decision: int, choice: Choice) -> list[int]:
        if len(choice) > MOST_STEPS_PER_DECISION:
            raise ChoiceError(
                f"it names {len(choice)} steps; {MOST_STEPS_PER_DECISION} at most can be created by one decision"
            )
        able = self.choices(decision)
        for name in choice:
            if name not in able:
                can = ", ".join(map(repr, able)) if able else "none at all"
                raise ChoiceError(f"{name!r} can't be reached from here; it may name {can}{did_you_mean(name, able)}")
        return [self.names.index(name) + 1 for name in choice]

    def _refuse_gaps(self, fresh: Collection[int], there: Collection[int]) -> None:
        for no in sorted(fresh):
            missing = [self.names[parent - 1] for parent in self._parents[no] if parent not in there]
            if missing:
                lack = ", ".join(map(repr, missing))
                raise ChoiceError(f"it names {self.names[no - 1]!r}, which waits for {lack}; name that as well")

    def _grown(self, there: Collection[int], open_decisions: Collection[int]) -> set[int]:
        """What follows now: the steps whose parents all exist, and the deferred ones that nothing more can join."""
        grown: set[int] = set()
        for no in self._numbers:
            if no in there:
                continue
            parents = self._parents[no]
            present = [parent for parent in parents if parent in there]
            if no not in self.deferred:
                # Right behind a decision only what it names.
                if len(present) == len(parents) and not any(parent in self.decisions for parent in parents):
                    grown.add(no)
            elif present and not any(
                self._decisions_before_or_at(parent) & set(open_decisions) for parent in parents if parent not in there
            ):
                grown.add(no)
        return grown

    def _new(self, no: int, there: Collection[int], states: Mapping[int, str]) -> NewStep:
        parents = tuple(parent for parent in self._parents[no] if parent in there)
        waits = sum(parent not in states or not StepState(states[parent]).satisfies for parent in parents)
        return NewStep(no, parents, waits)

    def _decisions_before(self, no: int) -> frozenset[int]:
        return self._remembered(no, lambda: ancestors(self._numbers, self.edges, no) & self.decisions)

    def _decisions_before_or_at(self, no: int) -> frozenset[int]:
        return self._decisions_before(no) | ({no} & self.decisions)

    def _remembered(self, no: int, find: Callable[[], frozenset[int]]) -> frozenset[int]:
        found = self._before.get(no)
        if found is None:
            found = self._before[no] = find()
        return found

    @cached_property
    def _before(self) -> dict[int, frozenset[int]]:
        return {}

    @cached_property
    def _numbers(self) -> range:
        return range(1, len(self.names) + 1)

    @cached_property
    def _parents(self) -> Mapping[int, Sequence[int]]:
        return parents_of(self._numbers, self.edges)

    @cached_property
    def _children(self) -> Mapping[int, Sequence[int]]:
        return children_of(self._numbers, self.edges)


def _is_final(state: str) -> bool:
    return StepState(state).satisfies or StepState(state) is StepState.CANCELLED


def choice_of(result: object) -> Choice:
    """What a decision's result says under ``decision_point_outcome``. Raises ChoiceError for what says nothing.

    >>> choice_of({"decision_point_outcome": {"type": "create_steps", "step_names": ["air"]}})
    ['air']
    >>> choice_of({"decision_point_outcome": {"type": "no_branches"}})
    []
    """
    outcome = result.get("decision_point_outcome") if isinstance(result, Mapping) else None
    match outcome:
        case {"type": "no_branches"}:
            return []
        case {"type": "create_steps", "step_names": [*names]} if names and all(isinstance(name, str) for name in names):
            return list(dict.fromkeys(names))
    raise ChoiceError(
        'its result must hold "decision_point_outcome": {"type": "create_steps", "step_names": [...]} or '
        '{"type": "no_branches"}; Decision.route(...) and Decision.skip(...) make one'
    )


def carry_out(growth: Growth, outcome: Outcome, states: Mapping[int, str]) -> tuple[Outcome, list[NewStep]]:
    """What a decision's outcome brings about in a task whose steps are in ``states``.

    A choice that can't be carried out makes it a permanent failure, which says what could have been chosen.
    """
    try:
        choice = choice_of(decode(outcome.result or "null").get("result"))
        return outcome, growth.after(outcome.key.no, choice, states)
    except ChoiceError as error:
        refused = StepError(f"the decision can't be carried out: {error}", INVALID_DECISION, retryable=False)
        return Outcome(outcome.key, Ending.FAILED, error=refused), []
