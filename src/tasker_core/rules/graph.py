"""Questions about a directed graph of steps, each answered in linear time and without recursion.

A graph is its nodes, in the order of the file, and its edges ``(parent, child)``: the child waits for the parent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)


def find_cycle(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> tuple[Node, ...]:
    """One cycle, in the direction in which its steps would run, beginning with its first node in the file; else ().

    >>> find_cycle("abcd", [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])
    ('a', 'b', 'c')
    >>> find_cycle("ab", [("a", "b")])
    ()
    """
    nodes, edges = tuple(nodes), tuple(edges)
    free = set(_peeled(nodes, edges))
    stuck = [node for node in nodes if node not in free]
    if not stuck:
        return ()
    # Every stuck node has a stuck parent, so walking up from any of them must come back to where it has been.
    parent_of = {child: parent for parent, child in edges if parent not in free}
    walked: dict[Node, None] = {}
    node = stuck[0]
    while node not in walked:
        walked[node] = None
        node = parent_of[node]
    path = list(walked)
    cycle = path[path.index(node) :][::-1]
    members = set(cycle)
    first = cycle.index(next(node for node in nodes if node in members))
    return tuple(cycle[first:] + cycle[:first])


def topological_order(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> tuple[Node, ...]:
    """The nodes, each after all of its parents. Raises ValueError if a cycle makes that impossible.

    >>> topological_order("cba", [("a", "b"), ("b", "c")])
    ('a', 'b', 'c')
    """
    nodes, edges = tuple(nodes), tuple(edges)
    order = _peeled(nodes, edges)
    if len(order) < len(nodes):
        raise ValueError(f"the graph has a cycle: {' -> '.join(map(str, find_cycle(nodes, edges)))}")
    return order


def levels(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> tuple[tuple[Node, ...], ...]:
    """The nodes by depth: those without parents first, then each one level below its deepest parent.

    Within a level they stand in the order of ``nodes``. Raises ValueError if there is a cycle.

    >>> levels("abcd", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    (('a',), ('b', 'c'), ('d',))
    """
    nodes, edges = tuple(nodes), tuple(edges)
    depth = dict.fromkeys(nodes, 0)
    children = children_of(nodes, edges)
    for node in topological_order(nodes, edges):
        for child in children[node]:
            depth[child] = max(depth[child], depth[node] + 1)
    rows: list[list[Node]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        rows[depth[node]].append(node)
    return tuple(map(tuple, rows))


def ancestors(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]], of: Node) -> frozenset[Node]:
    """Every node that must run before ``of``.

    >>> sorted(ancestors("abc", [("a", "b"), ("b", "c")], of="c"))
    ['a', 'b']
    """
    return reachable(parents_of(nodes, edges), of)


def descendants(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]], of: Node) -> frozenset[Node]:
    """Every node that can only run after ``of``.

    >>> sorted(descendants("abc", [("a", "b"), ("b", "c")], of="a"))
    ['b', 'c']
    """
    return reachable(children_of(nodes, edges), of)


def parents_of(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> dict[Node, list[Node]]:
    """The direct parents of every node."""
    return children_of(nodes, ((child, parent) for parent, child in edges))


def children_of(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> dict[Node, list[Node]]:
    """The direct children of every node."""
    children: dict[Node, list[Node]] = {node: [] for node in nodes}
    for parent, child in edges:
        children[parent].append(child)
    return children


def reachable(neighbours: Mapping[Node, Sequence[Node]], start: Node) -> frozenset[Node]:
    """Every node that a walk of at least one edge leads to from ``start``."""
    seen: set[Node] = set()
    ahead = list(neighbours[start])
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead.extend(neighbours[node])
    return frozenset(seen)


class Ancestry(Generic[Node]):
    """Answers ``ancestors`` for one graph again and again, remembering what it found."""

    most_remembered = 1_000_000
    """Nodes over all remembered sets: those of a chain of 10,000 come to fifty million."""

    def __init__(self, nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> None:
        self._parents = parents_of(nodes, edges)
        self._known: dict[Node, frozenset[Node]] = {}
        self._remembered = 0

    def of(self, node: Node) -> frozenset[Node]:
        """Every node that must run before ``node``."""
        known = self._known.get(node)
        if known is None:
            known = reachable(self._parents, node)
            if self._remembered + len(known) > self.most_remembered:
                self._known, self._remembered = {}, 0
            self._known[node] = known
            self._remembered += len(known)
        return known


def _peeled(nodes: Sequence[Node], edges: Sequence[tuple[Node, Node]]) -> tuple[Node, ...]:
    """The nodes in an order that respects the edges, leaving out those in a cycle and those behind one."""
    children = children_of(nodes, edges)
    waits = dict.fromkeys(nodes, 0)
    for _, child in edges:
        waits[child] += 1
    ready = deque(node for node in nodes if not waits[node])
    order: list[Node] = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for child in children[node]:
            waits[child] -= 1
            if not waits[child]:
                ready.append(child)
    return tuple(order)
