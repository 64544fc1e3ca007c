"""Whatever decisions choose: what converges has waited for all that it lists and that came into being."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.expand import ChoiceError, Growth, NewStep
from tasker_core.rules.template import Template

KINDS = ("standard", "standard", "decision", "deferred_convergence")


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """A graph of a few steps, each of which waits for earlier ones."""
    steps: list[dict[str, Any]] = []
    for no in range(draw(st.integers(3, 9))):
        kind = draw(st.sampled_from(KINDS)) if no else "decision"
        earlier = [step["name"] for step in steps[-4:]]
        least = 2 if kind == "deferred_convergence" and len(earlier) > 1 else 1
        parents = draw(st.lists(st.sampled_from(earlier), min_size=least, max_size=3, unique=True)) if earlier else []
        steps.append({"name": f"s{no}", "type": kind, "dependencies": parents, "handler": {"callable": "h"}})
    return Template.from_content({"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": steps})


@given(templates(), st.data())
def test_what_converges_waits_for_all_of_its_dependencies_that_come_into_being(
    template: Template, data: st.DataObject
) -> None:
    growth = Growth.of(template)
    parents = {no: [p for p in growth.parents(no) if p in growth.initial] for no in growth.initial}
    done: list[int] = []
    while ready := [no for no in parents if no not in done and set(parents[no]) <= set(done)]:
        no = data.draw(st.sampled_from(sorted(ready)))
        states = {step: "complete" if step in done else "pending" for step in parents}
        for new in _brought(growth, no, states, data) if no in growth.decisions else ():
            assert new.no not in parents, "nothing comes into being twice"
            assert new.waits == len(set(new.parents) - {*done, no})
            parents[new.no] = list(new.parents)
        done.append(no)
    assert sorted(done) == sorted(parents), "nothing that came into being is stuck"
    for no, waited_for in parents.items():
        assert set(waited_for) == set(growth.parents(no)) & parents.keys()
        assert all(done.index(parent) < done.index(no) for parent in waited_for)


def _brought(growth: Growth, decision: int, states: dict[int, str], data: st.DataObject) -> list[NewStep]:
    """What a choice brings about: of the names that were drawn those that can be carried out."""
    able = growth.choices(decision)
    choice: list[str] = []
    for name in data.draw(st.permutations(able)) if data.draw(st.booleans()) else able[:1]:
        with contextlib.suppress(ChoiceError):
            growth.after(decision, [*choice, name], states)
            choice.append(name)
    return growth.after(decision, choice, states)
