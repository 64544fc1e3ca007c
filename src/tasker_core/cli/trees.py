"""The steps of a task or a template as a tree, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tasker_core.cli.output import STYLES, state
from tasker_core.drawing.graph import Graph, Node, graph_of_task
from tasker_core.drawing.looks import look_of
from tasker_core.drawing.tree import tree
from tasker_core.drawing.waterfall import duration


def tree_of_task(summary: Mapping[str, Any]) -> RenderableType:
    """A task and its steps as they stand: a sign and a word for each state, how long it ran, what it waits for."""
    task = summary["task"]
    head = Text.assemble(
        (f"{task['namespace']}/{task['name']} ", "bold"),
        (f"{task['version']}  ", "dim"),
        state(task["status"]),
        f"  {task['completed_steps']} of {task['total_steps']} steps  ",
        (task["task_uuid"], "dim"),
    )
    letter = summary["dlq"]
    written = Text(f"dead letter: {letter['dlq_reason']}", style="bold red") if letter["in_dlq"] else None
    ran = {step["step_uuid"]: _ran(step) for step in summary["steps"]}
    lines = _lines(graph_of_task(summary), ran, is_run=True)
    return Group(head, *([written] if written else []), *lines)


def tree_of_template(title: str, graph: Graph) -> RenderableType:
    """A template's steps, with the handler of each."""
    return Group(Text(title, style="bold"), *_lines(graph, {}, is_run=False))


def _lines(graph: Graph, ran: Mapping[str, str], *, is_run: bool) -> Iterable[Text]:
    for line in tree(graph):
        node, look = line.node, look_of(line.node.state, is_run=is_run)
        style = STYLES.get(node.state, "dim") if is_run else ""
        after = f"  after {', '.join(line.also_after)}" if line.also_after else ""
        yield Text.assemble(
            (line.before, "dim"),
            (f"{look.sign} ", style),
            (node.name, "" if node.state or not is_run else "dim"),
            (f"  {said(node, is_run=is_run)}", style),
            (f"  {ran[node.key]}" if ran.get(node.key) else "", "dim"),
            (after, "dim"),
        )


def said(node: Node, *, is_run: bool) -> str:
    """What is said of a box beside its name."""
    kind = f" ({node.kind.replace('_', ' ')})" if not is_run and node.kind not in ("standard", "batch") else ""
    return (node.said or look_of(node.state, is_run=is_run).word) + kind


def _ran(step: Mapping[str, Any]) -> str:
    """How long a step has been running, ran at last, or waits to run again."""
    if step["current_state"] == "waiting_for_retry" and step["next_retry_at"]:
        return f"again at {step['next_retry_at'][11:19]}"
    if not step["last_attempted_at"]:
        return ""
    until = step["completed_at"] or ("" if step["current_state"] == "in_progress" else step["updated_at"])
    end = datetime.fromisoformat(until) if until else datetime.now(UTC)
    return duration((end - datetime.fromisoformat(step["last_attempted_at"])).total_seconds())
