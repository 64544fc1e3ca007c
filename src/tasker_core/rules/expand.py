"""Which steps exist: at first those that no decision and no batch stands before, then those that these bring about.

A template is a graph of declared steps; a task holds those of them that exist so far. A step that stands behind a
decision comes into being when the decision is settled: because it was named, because all that it waits for exists now,
or, for a deferred one, because some of what it converges on exists and nothing more can come. The worker step of a
batch never exists itself: its instances come into being when the batch's analyzer is settled, and what waits for the
worker step waits for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tasker_core.rules.batches import BatchPlan, batch_plans, instance_no, worker_of
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
    """A step that comes into being: its number, the parents that it really has, how many of them it waits for.

    An instance of a batch that has to wait for another one to end waits for one more.
    """

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
    [NewStep(no=3, parents=(1,), waits=0), NewStep(no=4, parents=(3,), waits=1)]
    """

    names: Sequence[str]
    decisions: frozenset[int]
    deferred: frozenset[int]
    edges: Sequence[tuple[int, int]]
    batches: Mapping[int, BatchPlan]
    """By the number of the worker step."""

    @classmethod
    def of(cls, template: Template) -> Growth:
        steps = list(enumerate(template.steps, 1))
        return cls(
            [step.name for _, step in steps],
            frozenset(no for no, step in steps if step.type == "decision"),
            frozenset(no for no, step in steps if step.type == "deferred_convergence"),
            template.edges(),
            batch_plans(template),
        )

    @cached_property
    def initial(self) -> frozenset[int]:
        """The steps that exist from the beginning."""
        gates = self.decisions | self.batches.keys()
        if not gates:
            return frozenset(self._numbers)
        return frozenset(no for no in self._numbers if no not in self.batches and not self._before(no) & gates)

    @cached_property
    def openers(self) -> frozenset[int]:
        """The steps whose end brings others about: the decisions, and the analyzers of batches."""
        return self.decisions | {plan.analyzer for plan in self.batches.values()}

    @cached_property
    def depth(self) -> int:
        """The largest number of decisions that stand one behind the other."""
        return max((1 + len(self._before(no) & self.decisions) for no in self.decisions), default=0)

    def parents(self, no: int) -> Sequence[int]:
        """The numbers of the steps that the declared step ``no`` names as its dependencies."""
        return self._parents[no]

    def declared(self, no: int) -> int:
        """The number of the declared step that the step ``no`` of a task is, or is an instance of."""
        return no if no <= len(self.names) else worker_of(no)

    def choices(self, decision: int) -> list[str]:
        """The names that ``decision`` may choose: what follows from it without another decision between."""
        reached: set[int] = set()
        ahead = list(self._children[decision])
        while ahead:
            no = ahead.pop()
            if no not in reached and no not in self.batches:
                reached.add(no)
                if no not in self.decisions:
                    ahead += self._children[no]
        return [self.names[no - 1] for no in sorted(reached - self.deferred)]

    def after(self, decision: int, choice: Choice, states: Mapping[int, str]) -> list[NewStep]:
        """The steps that come into being when ``decision`` ends with ``choice``, in the order of the file.

        ``states`` has the state of every step that exists; the decision itself counts as done.
        Raises ChoiceError for a choice that can't be carried out.
        """
        named = self._named(decision, choice)
        # A step that an earlier try of this decision brought about is there already.
        there = self._there(states)
        fresh = set(named) - there.keys()
        self._refuse_gaps(fresh, there.keys() | fresh)
        return self._brought(decision, fresh, states, there)

    def after_batch(self, worker: int, count: int, states: Mapping[int, str]) -> list[NewStep]:
        """The steps that come into being when the batch of ``worker`` is cut into ``count`` pieces: its instances, then
        what follows from them.

        ``states`` has the state of every step that exists; the analyzer itself counts as done.
        """
        plan = self.batches[worker]
        there = self._there(states)
        first, parents, waits = instance_no(worker, 0), *self._family(worker, plan.analyzer, states, there)
        instances = range(first, first + count)
        made = [NewStep(no, parents, waits + (no - first >= plan.parallelism)) for no in instances]
        there[worker] = instances
        return made + self._brought(plan.analyzer, set(), {**states, **dict.fromkeys(instances, "pending")}, there)

    def behind(self, openers: Collection[int]) -> frozenset[int]:
        """The declared steps that can't exist before these decisions and analyzers are settled."""
        gates = self.decisions.intersection(openers)
        gates |= {worker for worker, plan in self.batches.items() if plan.analyzer in openers}
        return frozenset(no for no in self._numbers if (self._before(no) | ({no} & self.batches.keys())) & gates)

    def standing(self, choices: Mapping[int, Choice], cut: Collection[int]) -> frozenset[int]:
        """The declared steps that exist when these decisions, and the batches of these worker steps, are settled, and
        nothing else is."""
        named = {self.names.index(name) + 1 for choice in choices.values() for name in choice} | {*cut}
        settled = choices.keys() | {self.batches[worker].analyzer for worker in cut}
        there = set(self.initial)
        while True:
            fresh = {no for no in named - there if there.issuperset(self._parents[no])}
            fresh = fresh or self._grown(there, self.openers & there - settled)
            if not fresh:
                return frozenset(there)
            there |= fresh

    def _there(self, states: Mapping[int, str]) -> dict[int, Sequence[int]]:
        """The declared steps that exist, each with the numbers that it has in the task."""
        there: dict[int, list[int]] = {}
        for no in states:
            there.setdefault(self.declared(no), []).append(no)
        return dict(there)

    def _brought(
        self, opener: int, fresh: set[int], states: Mapping[int, str], there: Mapping[int, Sequence[int]]
    ) -> list[NewStep]:
        """The steps ``fresh`` and all that follows from them now that ``opener`` ends."""
        exist = there.keys() | fresh
        still_open = {no for no in self.openers & there.keys() if no != opener and not _is_final(states[no])}
        while grown := self._grown(exist, still_open | (self.openers & fresh)):
            fresh |= grown
            exist |= grown
        whole = {**dict.fromkeys(fresh, ()), **there}
        return [NewStep(no, *self._family(no, opener, states, whole)) for no in sorted(fresh)]

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

    def _grown(self, there: Collection[int], still_open: Collection[int]) -> set[int]:
        """What follows next: the steps whose parents all exist, or else the deferred ones that nothing more can join.

        The former first, since there may be a decision among them that adds to the latter.
        """
        grown: set[int] = set()
        deferred: set[int] = set()
        for no in self._numbers:
            if no in there or no in self.batches:
                continue
            parents = self._parents[no]
            present = [parent for parent in parents if parent in there]
            if no not in self.deferred:
                # Right behind a decision only what it names.
                if len(present) == len(parents) and not any(parent in self.decisions for parent in parents):
                    grown.add(no)
            elif present and not any(
                self._openers_before_or_at(parent) & set(still_open) for parent in parents if parent not in there
            ):
                deferred.add(no)
        return grown or {no for no in deferred if not self._may_be_joined_later(no, deferred - {no}, there)}

    def _may_be_joined_later(self, no: int, others: Collection[int], there: Collection[int]) -> bool:
        """Whether one of ``others``, which follow as well, leads to a decision or a batch that may add to ``no``."""
        if not others:
            return False
        absent = [parent for parent in self._parents[no] if parent not in there]
        to_come = {opener for parent in absent for opener in self._openers_before_or_at(parent) if opener not in there}
        return any(not self._everything_before(opener).isdisjoint(others) for opener in to_come)

    def _everything_before(self, no: int) -> frozenset[int]:
        found = self._found_everything_before.get(no)
        if found is None:
            found = self._found_everything_before[no] = frozenset(ancestors(self._numbers, self.edges, no))
        return found

    @cached_property
    def _found_everything_before(self) -> dict[int, frozenset[int]]:
        return {}

    def _family(
        self, no: int, opener: int, states: Mapping[int, str], there: Mapping[int, Sequence[int]]
    ) -> tuple[Sequence[int], int]:
        """The parents that the declared step ``no`` has in this task, and how many of them aren't done."""
        parents: list[int] = []
        for parent in self._parents[no]:
            parents += there[parent] if parent in self.batches and parent in there else ()
            if parent in there and parent not in self.batches:
                parents.append(parent)
        return tuple(parents), sum(parent != opener and not is_done(states.get(parent)) for parent in parents)

    def _openers_before_or_at(self, no: int) -> frozenset[int]:
        return (self._before(no) | {no}) & self.openers

    def _before(self, no: int) -> frozenset[int]:
        """The decisions, analyzers and worker steps that stand before ``no``."""
        found = self._found_before.get(no)
        if found is None:
            telling = self.openers | self.batches.keys()
            found = self._found_before[no] = ancestors(self._numbers, self.edges, no) & telling
        return found

    @cached_property
    def _found_before(self) -> dict[int, frozenset[int]]:
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


_DONE = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})


def is_done(state: str | None) -> bool:
    """Does a step in this state, None for one that doesn't exist, let those behind it run?"""
    return state in _DONE


def _is_final(state: str) -> bool:
    return state in _DONE or state == StepState.CANCELLED


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


def carry_out(growth: Growth, outcome: Outcome, states: Mapping[int, str]) -> tuple[Outcome, Sequence[NewStep]]:
    """What a decision's outcome brings about in a task whose steps are in ``states``.

    A choice that can't be carried out makes it a permanent failure, which says what could have been chosen.
    """
    try:
        choice = choice_of(decode(outcome.result or "null").get("result"))
        return outcome, growth.after(outcome.key.no, choice, states)
    except ChoiceError as error:
        refused = StepError(f"the decision can't be carried out: {error}", INVALID_DECISION, retryable=False)
        return Outcome(outcome.key, Ending.FAILED, error=refused), []
