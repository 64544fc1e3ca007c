"""``tasker task visualize`` and ``tasker template visualize``: the graph as text, Mermaid, SVG, Markdown or JSON."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from tasker_core.cli.asking import TaskId, ask
from tasker_core.cli.catalog import template_meant
from tasker_core.cli.inputs import read_object
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.cli.trees import tree_of_task, tree_of_template
from tasker_core.drawing.graph import Graph, graph_of_task, graph_of_template
from tasker_core.drawing.looks import look_of
from tasker_core.drawing.mermaid import mermaid
from tasker_core.drawing.svg import svg
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.template import Template
from tasker_core.rules.template_text import read_template
from tasker_core.template_files import read_file


class Format(StrEnum):
    """How a graph can be written."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"
    MARKDOWN = "markdown"
    JSON = "json"


OF_A_FILE = {
    ".svg": Format.SVG, ".mmd": Format.MERMAID, ".mermaid": Format.MERMAID, ".md": Format.MARKDOWN,
    ".json": Format.JSON,
}  # fmt: skip
AsFormat = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Else what the ending of --output says, else text.", show_default=False),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A file to write it to.")]
GraphOnly = Annotated[bool, typer.Option("--graph-only", help="In Markdown, leave out the table of steps.")]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph, and what stands beside it in a document: a title, a remark, and rows of a table below their heads."""

    title: str
    graph: Graph
    is_run: bool
    as_text: RenderableType
    remark: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def visualize_task(
    task: TaskId,
    format: AsFormat = None,
    output: Output = None,
    graph_only: GraphOnly = False,
    base_url: Annotated[str | None, typer.Option(help="In Markdown, link each step to this dashboard.")] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Draw a task: its steps in the colours of their states, branches not taken, batches, what waits for what."""
    with ask(database_url) as client:
        summary = client.summarise_task(task)
    _write(_of_task(summary, base_url), format, output, graph_only, as_json)


def visualize_template(
    template: Annotated[str, typer.Argument(help="A template file, - for standard input, or namespace/name.")],
    format: AsFormat = None,
    output: Output = None,
    graph_only: GraphOnly = False,
    annotations: Annotated[
        str | None, typer.Option(help="What to say of steps instead of their handlers: an object in a JSON file.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Of a registered one; else the newest.")] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Draw a template: its steps, what runs each, and what waits for what."""
    if template == "-":
        read = read_template(sys.stdin.read(), "standard input").template
    elif Path(template).is_file():
        read = read_file(Path(template)).template
    else:
        with ask(database_url) as client:
            read = Template.from_content(template_meant(client, template, version)["configuration"])
    notes = read_object(annotations, "annotations", "annotations") if annotations else {}
    _write(_of_template(read, notes), format, output, graph_only, as_json)


def _of_task(summary: Mapping[str, Any], base_url: str | None) -> Drawn:
    task, graph = summary["task"], graph_of_task(summary)
    page = f"{base_url.rstrip('/')}/tasks/{task['task_uuid']}" if base_url else None
    rows = [
        (
            f"[{step['name']}]({page}?step={step['step_uuid']})" if page else step["name"],
            step["current_state"], f"{step['attempts']} of {step['max_attempts']}",
            step["error"]["type"] if step["error"] and step["current_state"] != "complete" else "",
            step["last_attempted_at"] or "", step["completed_at"] or "",
        )
        for step in summary["steps"]
    ]  # fmt: skip
    letter = summary["dlq"]
    remark = f"A dead letter is pending: {letter['dlq_reason']}." if letter["in_dlq"] else ""
    title = f"{task['namespace']}/{task['name']} {task['version']}: {task['status']}"
    heads = ("step", "state", "attempts", "error", "last attempt", "completed")
    return Drawn(title, graph, True, tree_of_task(summary), remark, heads, rows)


def _of_template(template: Template, notes: Mapping[str, Any]) -> Drawn:
    for name in notes:
        if name not in [step.name for step in template.steps]:
            raise InvalidRequestError(f"annotations: {template.identity} has no step {name!r}", field="annotations")
    graph = graph_of_template(
        [
            {
                "name": step.name, "step_type": step.type, "dependencies": list(dict.fromkeys(step.dependencies)),
                "handler": str(notes.get(step.name, step.handler.callable)),
            }
            for step in template.steps
        ]
    )  # fmt: skip
    rows = [
        (
            step.name, step.type, step.handler.callable, ", ".join(step.dependencies),
            ", ".join((step.result_schema or {}).get("properties", ())),
            f"{step.retry_policy.max_attempts} attempts" if step.retry_policy.retryable else "no retry",
        )
        for step in template.steps
    ]  # fmt: skip
    title = str(template.identity)
    heads = ("step", "type", "handler", "after", "result", "retry")
    return Drawn(title, graph, False, tree_of_template(title, graph), template.description or "", heads, rows)


def _write(drawn: Drawn, asked: Format | None, output: Path | None, graph_only: bool, as_json: bool) -> None:
    format = Format.JSON if as_json else asked or OF_A_FILE.get(output.suffix.lower() if output else "", Format.TEXT)
    if output is None and format == Format.TEXT:
        people.print(drawn.as_text)
        return
    text = _text(drawn, format, graph_only)
    if output is None:
        typer.echo(text.rstrip("\n"))
        return
    output.write_text(text if text.endswith("\n") else text + "\n", "utf-8")
    if as_json:
        print_json({"wrote": str(output)})
    else:
        people.print(f"wrote {output}", markup=False, highlight=False, soft_wrap=True)


def _text(drawn: Drawn, format: Format, graph_only: bool) -> str:
    match format:
        case Format.MERMAID:
            return mermaid(drawn.graph, is_run=drawn.is_run)
        case Format.SVG:
            return svg(drawn.graph, drawn.title, is_run=drawn.is_run)
        case Format.MARKDOWN:
            return "\n".join(_markdown(drawn, graph_only))
        case Format.JSON:
            return json.dumps(_plain(drawn), indent=2, ensure_ascii=False)
        case Format.TEXT:
            paper = Console(file=io.StringIO(), width=200, no_color=True)
            with paper.capture() as written:
                paper.print(drawn.as_text)
            return written.get()


def _markdown(drawn: Drawn, graph_only: bool) -> Iterable[str]:
    if not graph_only:
        yield f"# {drawn.title}\n"
        if drawn.remark:
            yield f"{drawn.remark}\n"
    yield f"```mermaid\n{mermaid(drawn.graph, is_run=drawn.is_run)}\n```"
    if not graph_only:
        yield f"\n| {' | '.join(drawn.heads)} |\n|{'---|' * len(drawn.heads)}"
        for row in drawn.rows:
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _plain(drawn: Drawn) -> dict[str, Any]:
    """The graph as data: boxes and arrows, with no word of how they look but where they stand."""
    nodes = [
        {
            "key": node.key, "name": node.name, "kind": node.kind, "state": node.state or None,
            "said": node.said or look_of(node.state, is_run=drawn.is_run).word, "count": node.count,
            "x": node.box.x, "y": node.box.y, "width": node.box.width, "height": node.box.height,
        }
        for node in drawn.graph.nodes
    ]  # fmt: skip
    edges = [
        {"from": edge.parent, "to": edge.child, "taken": edge.is_taken, "done": edge.is_done}
        for edge in drawn.graph.edges
    ]
    return {"title": drawn.title, "nodes": nodes, "edges": edges}
