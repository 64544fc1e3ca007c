"""The graph of a task or a template: which boxes there are, what they say, and where they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasker_core.drawing.layout import Box, lay_out

CHARACTER, SMALL_CHARACTER = 7.9, 6.9
"""Pixels that a character takes in a box's name and in the line below it, in the widest of the usual fonts."""
BESIDE_NAME, HEIGHT, MARGIN = 42.0, 44.0, 12.0
FOLDED_FROM = 9
"""Instances of a batch from which on they are one box."""


@dataclass(frozen=True, slots=True)
class Node:
    """A box: a step, or a whole batch of ``count`` instances; ``state`` is "" for a step that isn't there."""

    key: str
    name: str
    kind: str
    state: str
    said: str = ""
    count: int = 1
    box: Box = field(default_factory=lambda: Box(0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between the boxes of two keys; ``is_taken`` when the step that it leads to is there, ``is_done`` when
    that one needn't wait for it."""

    parent: str
    child: str
    path: str
    is_taken: bool
    is_done: bool


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: int
    height: int


def graph_of_task(summary: Mapping[str, Any]) -> Graph:
    """The graph of a task, of its summary: the steps that are there, and dimmed those of branches not taken."""
    declared = {step["name"]: step for step in summary["template"]["steps"]}
    steps, groups = summary["steps"], _folded(summary["steps"])
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], bool] = {}
    key_of = {step["name"]: _key(step, groups) for step in steps}
    for step in steps:
        key = key_of[step["name"]]
        if key not in nodes:
            kind = declared[step["template_step"]]["step_type"] if step["template_step"] in declared else "standard"
            batch = groups.get(step["template_step"]) if step["batch_index"] is not None else None
            nodes[key] = _batch(step["template_step"], batch) if batch else _single(step, kind)
        for parent in (*step["dependencies"], *([step["compensates"]] if step["compensates"] else ())):
            if parent in key_of:
                edges[key_of[parent], key] = True
    there = {step["template_step"] for step in steps}
    steps = [step for step in steps if not step["compensates"]]
    keys_of: dict[str, list[str]] = {}
    for step in steps:
        keys = keys_of.setdefault(step["template_step"], [])
        if key_of[step["name"]] not in keys:
            keys.append(key_of[step["name"]])
    for name, each in declared.items():
        if name not in there:
            nodes[f"absent:{name}"] = Node(f"absent:{name}", name, each["step_type"], "")
            keys_of[name] = [f"absent:{name}"]
    for name, each in declared.items():
        for parent in each["dependencies"]:
            for before in keys_of.get(parent, ()):
                for after in keys_of[name]:
                    if before.startswith("absent:") or after.startswith("absent:"):
                        edges.setdefault((before, after), False)
    return _drawn(list(nodes.values()), edges)


def graph_of_template(steps: Sequence[Mapping[str, Any]]) -> Graph:
    """The graph that a template declares."""
    nodes = [Node(step["name"], step["name"], step["step_type"], "", step["handler"]) for step in steps]
    return _drawn(nodes, {(parent, step["name"]): True for step in steps for parent in step["dependencies"]})


def _folded(steps: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The batches whose instances are too many for a box each."""
    batches: dict[str, list[Mapping[str, Any]]] = {}
    for step in steps:
        if step["batch_index"] is not None:
            batches.setdefault(step["template_step"], []).append(step)
    return {name: instances for name, instances in batches.items() if len(instances) >= FOLDED_FROM}


def _key(step: Mapping[str, Any], groups: Mapping[str, Any]) -> str:
    is_folded = step["batch_index"] is not None and step["template_step"] in groups
    return f"batch:{step['template_step']}" if is_folded else str(step["step_uuid"])


WORST_FIRST = (
    "error", "in_progress", "waiting_for_retry", "enqueued", "pending", "cancelled", "resolved_manually", "complete",
)  # fmt: skip
SHORT = {
    "error": "failed", "in_progress": "running", "waiting_for_retry": "retrying", "enqueued": "ready",
    "pending": "waiting", "cancelled": "cancelled", "resolved_manually": "resolved", "complete": "done",
}  # fmt: skip


def _batch(name: str, instances: Sequence[Mapping[str, Any]]) -> Node:
    states = Counter(step["current_state"] for step in instances)
    worst = next((state for state in WORST_FIRST if states.get(state)), "pending")
    said = ", ".join(f"{states[state]:,} {SHORT[state]}" for state in WORST_FIRST if states.get(state))
    return Node(f"batch:{name}", f"{len(instances):,} × {name}", "batch", worst, said, len(instances))


def _single(step: Mapping[str, Any], kind: str) -> Node:
    said = SHORT.get(step["current_state"], step["current_state"])
    if step["current_state"] == "error" and step["error"]:
        said = str(step["error"]["type"])
    if step["attempts"] > 1:
        said += f", attempt {step['attempts']} of {step['max_attempts']}"
    return Node(str(step["step_uuid"]), step["name"], kind, step["current_state"], said)


def _drawn(nodes: Sequence[Node], edges: Mapping[tuple[str, str], bool]) -> Graph:
    at = {node.key: index for index, node in enumerate(nodes)}
    laid = lay_out([_size(node) for node in nodes], [(at[parent], at[child]) for parent, child in edges])
    placed = [
        Node(node.key, node.name, node.kind, node.state, node.said, node.count,
             Box(round(box.x + MARGIN, 1), round(box.y + MARGIN, 1), box.width, box.height))
        for node, box in zip(nodes, laid.boxes, strict=True)
    ]  # fmt: skip
    done = ("complete", "resolved_manually")
    drawn = [
        Edge(parent, child, _path(laid.routes[at[parent], at[child]]), taken, nodes[at[parent]].state in done)
        for (parent, child), taken in edges.items()
    ]
    return Graph(placed, drawn, round(laid.width + 2 * MARGIN), round(laid.height + 2 * MARGIN))


def _size(node: Node) -> tuple[float, float]:
    width = max(len(node.name) * CHARACTER, len(node.said) * SMALL_CHARACTER) + BESIDE_NAME
    return round(max(width, 96), 1), HEIGHT


def _path(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = ((round(x + MARGIN, 1), round(y + MARGIN, 1)) for x, y in points)
    path = [f"M{x:g} {y:g}"]
    for to_x, to_y in rest:
        if y == to_y:
            path.append(f"H{to_x:g}")
        else:
            middle = round((x + to_x) / 2, 1)
            path.append(f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return "".join(path)
