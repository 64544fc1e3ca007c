"""A graph as lines of text: each step below the last of those that it waits for, the others named behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasker_core.drawing.graph import Graph, Node

DEEPEST_INDENT = 24
"""Branches that are deeper than this aren't indented any further."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step: what stands before its sign, and the names of other steps that it waits for."""

    before: str
    node: Node
    also_after: Sequence[str]


def tree(graph: Graph) -> Sequence[Line]:
    """The lines of ``graph``, in the order of its boxes where several are below one.

    >>> from tasker_core.drawing.graph import graph_of_template
    >>> step = {"step_type": "standard", "handler": "h"}
    >>> for line in tree(graph_of_template([
    ...     {"name": "cart", "dependencies": [], **step}, {"name": "pay", "dependencies": ["cart"], **step},
    ...     {"name": "pick", "dependencies": ["cart"], **step},
    ...     {"name": "ship", "dependencies": ["pay", "pick"], **step},
    ... ])):
    ...     print(line.before + line.node.name, *line.also_after)
    cart
    ├─ pay
    └─ pick
       └─ ship pay
    """
    nodes = {node.key: node for node in graph.nodes}
    parents: dict[str, list[str]] = {key: [] for key in nodes}
    for edge in graph.edges:
        parents[edge.child].append(edge.parent)
    order = {key: at for at, key in enumerate(nodes)}

    def depth(key: str) -> tuple[float, int]:
        return nodes[key].box.x, order[key]

    below: dict[str | None, list[str]] = {}
    for key, above in parents.items():
        below.setdefault(max(above, key=depth) if above else None, []).append(key)
    return list(_lines(nodes, parents, below))


def _lines(
    nodes: dict[str, Node], parents: dict[str, list[str]], below: dict[str | None, list[str]]
) -> Iterator[Line]:  # fmt: skip
    open_ones = [(key, "", "", "") for key in reversed(below.get(None, ()))]
    while open_ones:
        key, before, rest, above = open_ones.pop()
        others = [nodes[parent].name for parent in parents[key] if parent != above]
        yield Line(before, nodes[key], others)
        children = below.get(key, ())
        is_deep = len(rest) >= 3 * DEEPEST_INDENT
        for at, child in reversed(list(enumerate(children))):
            is_last = at == len(children) - 1
            further = rest if is_deep else rest + ("   " if is_last else "│  ")
            open_ones.append((child, rest + ("└─ " if is_last else "├─ "), further, key))
