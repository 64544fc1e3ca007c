"""A graph in the language of Mermaid, which many documents and code hosts draw."""

from __future__ import annotations

from tasker_core.drawing.graph import Graph, Node
from tasker_core.drawing.looks import look_of

SHAPES = {
    "decision": ("{", "}"),
    "batchable": ("[/", "/]"),
    "batch_worker": ("[[", "]]"),
    "batch": ("[[", "]]"),
    "deferred_convergence": ("([", "])"),
}  # fmt: skip
ESCAPES = str.maketrans({
    "&": "&amp;", '"': "#quot;", "<": "&lt;", ">": "&gt;", "#": "#35;", "`": "#96;", "\n": " ",
})  # fmt: skip


def mermaid(graph: Graph, *, is_run: bool = False) -> str:
    """The text of a flowchart. Where ``is_run``, boxes have the colours of their states.

    >>> from tasker_core.drawing.graph import graph_of_template
    >>> print(mermaid(graph_of_template([
    ...     {"name": "cart", "step_type": "standard", "handler": "fill", "dependencies": []},
    ...     {"name": "route", "step_type": "decision", "handler": "choose", "dependencies": ["cart"]},
    ... ])))
    graph TD
        s1["cart<br/>fill"]
        s2{"route<br/>choose"}
        s1 --> s2
    """
    ids = {node.key: f"s{at}" for at, node in enumerate(graph.nodes, 1)}
    lines = ["graph TD"]
    lines += [f"    {ids[node.key]}{_box(node)}{_class(node, is_run)}" for node in graph.nodes]
    lines += [f"    {ids[edge.parent]} {'-->' if edge.is_taken else '-.->'} {ids[edge.child]}" for edge in graph.edges]
    if is_run:
        for state in dict.fromkeys(node.state for node in graph.nodes):
            look = look_of(state, is_run=True)
            dashes = "" if state else ",stroke-dasharray:4 4"
            lines.append(
                f"    classDef {state or 'not_taken'} fill:{look.fill},stroke:{look.light},color:#1c2127{dashes}"
            )
    return "\n".join(lines)


def _box(node: Node) -> str:
    left, right = SHAPES.get(node.kind, ("[", "]"))
    said = [part.translate(ESCAPES) for part in (node.name, node.said) if part]
    return f'{left}"{"<br/>".join(said)}"{right}'


def _class(node: Node, is_run: bool) -> str:
    return f":::{node.state or 'not_taken'}" if is_run else ""
