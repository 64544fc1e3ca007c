"""The graph rules agree with their definitions, and cope with large graphs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.graph import Ancestry, ancestors, descendants, find_cycle, levels, topological_order

Graph = tuple[list[int], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes = draw(st.permutations(range(draw(st.integers(0, 9)))))
    pairs = [(a, b) for a in nodes for b in nodes]
    return nodes, draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> Graph:
    nodes, edges = draw(graphs())
    return nodes, [(a, b) for a, b in edges if a < b]


def closure(edges: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """All (a, b) with a way from a to b, by adding two-step ways until there are no more."""
    ways = set(edges)
    while longer := {(a, d) for a, b in ways for c, d in edges if b == c} - ways:
        ways |= longer
    return ways


@given(graphs())
def test_a_cycle_is_found_exactly_if_some_node_leads_back_to_itself(graph: Graph) -> None:
    nodes, edges = graph
    cycle = find_cycle(nodes, edges)
    assert bool(cycle) == any(a == b for a, b in closure(edges))
    if cycle:
        assert len(set(cycle)) == len(cycle)
        assert set(zip(cycle, cycle[1:] + cycle[:1], strict=True)) <= set(edges)
        assert cycle[0] == min(cycle, key=nodes.index)


@given(acyclic_graphs())
def test_the_order_holds_every_node_once_and_each_after_its_parents(graph: Graph) -> None:
    nodes, edges = graph
    order = topological_order(nodes, edges)
    assert sorted(order) == sorted(nodes)
    assert all(order.index(parent) < order.index(child) for parent, child in edges)


@given(graphs())
def test_an_order_is_refused_exactly_where_there_is_a_cycle(graph: Graph) -> None:
    nodes, edges = graph
    if find_cycle(nodes, edges):
        with pytest.raises(ValueError, match="the graph has a cycle: "):
            topological_order(nodes, edges)
    else:
        topological_order(nodes, edges)


@given(graphs())
def test_ancestors_and_descendants_are_those_with_a_way_between(graph: Graph) -> None:
    nodes, edges = graph
    ways = closure(edges)
    ancestry = Ancestry(nodes, edges)
    for node in nodes:
        above = {a for a, b in ways if b == node}
        assert ancestors(nodes, edges, node) == above == ancestry.of(node) == ancestry.of(node)
        assert descendants(nodes, edges, node) == {b for a, b in ways if a == node}


@given(acyclic_graphs())
def test_a_level_is_the_longest_way_from_a_node_without_parents(graph: Graph) -> None:
    nodes, edges = graph

    def depth(node: int) -> int:
        return max((depth(parent) + 1 for parent, child in edges if child == node), default=0)

    rows = levels(nodes, edges)
    assert {node: number for number, row in enumerate(rows) for node in row} == {node: depth(node) for node in nodes}
    assert all(list(row) == sorted(row, key=nodes.index) for row in rows)


def test_what_is_remembered_of_ancestors_is_bounded() -> None:
    class Short(Ancestry[int]):
        most_remembered = 10

    nodes = range(8)
    ancestry = Short(nodes, [(n, n + 1) for n in range(7)])
    assert [len(ancestry.of(node)) for _ in range(2) for node in nodes] == [*range(8), *range(8)]


def test_a_chain_of_ten_thousand() -> None:
    nodes = range(10_000)
    chain = [(n, n + 1) for n in range(9_999)]
    assert topological_order(nodes, chain) == tuple(nodes)
    assert len(ancestors(nodes, chain, 9_999)) == len(descendants(nodes, chain, 0)) == 9_999
    assert len(levels(nodes, chain)) == 10_000
    assert len(find_cycle(nodes, [*chain, (9_999, 0)])) == 10_000


def test_a_join_over_ten_thousand() -> None:
    nodes = range(10_002)
    edges = [edge for n in range(1, 10_001) for edge in ((0, n), (n, 10_001))]
    assert [len(row) for row in levels(nodes, edges)] == [1, 10_000, 1]
    assert len(ancestors(nodes, edges, 10_001)) == 10_001
    assert find_cycle(nodes, edges) == ()
