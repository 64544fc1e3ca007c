"""Transitions that bear the same time follow from state to state."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.chain import in_order


class Change(NamedTuple):
    no: int
    from_state: str
    to_state: str
    at: int


WALKS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=8)


def walk(states: list[str], no: int, at: int) -> list[Change]:
    return [Change(no, before, after, at) for before, after in itertools.pairwise(states)]


def follow(changes: list[Change]) -> bool:
    return all(before.to_state == after.from_state for before, after in itertools.pairwise(changes))


@given(st.data(), WALKS, WALKS)
def test_any_walk_is_found_again_however_it_was_shuffled(data: st.DataObject, task: list[str], step: list[str]) -> None:
    first = Change(0, "new", task[0], 1)
    together = walk(task, 0, 2) + walk(step, 3, 2)
    later = Change(0, task[-1], "end", 3)
    ordered = in_order([first, *data.draw(st.permutations(together)), later])
    assert sorted(ordered) == sorted([first, *together, later])
    assert follow([change for change in ordered if change.no == 0])
    assert follow([change for change in ordered if change.no == 3])
    assert [change.at for change in ordered] == sorted(change.at for change in ordered)


def test_what_fits_nowhere_stays_as_it_is() -> None:
    odd = [Change(0, "a", "b", 1), Change(0, "c", "d", 1)]
    assert in_order(odd) == odd
    many = walk(["a", "b"] * 6, 0, 1)[::-1]
    assert in_order(many) == many
