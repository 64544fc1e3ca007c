"""Templates: what tasks can be made of, how they look, what changed between versions, and a form to start one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from fastapi import Request, Response

from tasker_core.dashboard.route import pages
from tasker_core.dashboard.schema_form import Field, fields_of
from tasker_core.dashboard.visit import Visit
from tasker_core.drawing.graph import Graph, graph_of_template
from tasker_core.engine import Engine
from tasker_core.rules import semver
from tasker_core.server.callers import requires

router = pages()

RUNS = 10


@dataclass(frozen=True, slots=True)
class TemplateList:
    """What the list shows: of each name its versions, the newest first."""

    templates: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """What the page of one version shows."""

    template: Mapping[str, Any]
    versions: Sequence[str]
    other: str
    graph: Graph
    difference: Sequence[tuple[str, str]]
    source: str
    runs: Sequence[Mapping[str, Any]]
    fields: Sequence[Field] | None
    example: str
    served: Mapping[str, int]


@router.get("/templates", dependencies=[requires("templates:read")])
async def templates_page(request: Request) -> Response:
    """The templates."""
    visit = Visit(request)
    return await visit.page("templates.html", lambda: read_templates(visit.engine), section="templates")


@router.get("/templates/{namespace}/{name}/{version}", dependencies=[requires("templates:read")])
async def template_page(
    request: Request, namespace: str, name: str, version: str, against: str = ""
) -> Response:  # fmt: skip
    """One version of a template."""
    visit = Visit(request)
    return await visit.page(
        "template.html",
        lambda: read_template(visit.engine, (namespace, name, version), against, lists=visit.may("tasks:list")),
        section="templates",
    )


def read_templates(engine: Engine) -> TemplateList:
    """Every name with its versions."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in engine.listings.templates()["templates"]:
        found.setdefault((each["namespace"], each["name"]), []).append(each)
    return TemplateList([
        {**_newest(versions)[0], "versions": [each["version"] for each in _newest(versions)]}
        for _, versions in sorted(found.items())
    ])  # fmt: skip


def read_template(
    engine: Engine, identity: tuple[str, str, str], against: str = "", *, lists: bool = True
) -> TemplatePage:
    """One version with its graph and source, and how it differs from ``against``, else from the version before."""
    namespace, name, _ = identity
    template = engine.listings.template(*identity)
    versions = [
        each["version"]
        for each in _newest([
            each for each in engine.listings.templates(namespace)["templates"] if each["name"] == name
        ])
    ]  # fmt: skip
    at = versions.index(template["version"])
    other = against if against in versions else next(iter(versions[at + 1 :]), "")
    source = as_yaml(template["configuration"])
    before = as_yaml(engine.listings.template(namespace, name, other)["configuration"]) if other else ""
    schema = template["configuration"].get("input_schema")
    wanted = {"namespace": namespace, "name": name, "version": template["version"]}
    ready = engine.listings.readiness(*identity)
    return TemplatePage(
        template, versions, other, graph_of_template(template["steps"]), difference(before, source) if other else (),
        source, engine.board.lines(wanted, RUNS)["tasks"] if lists else (), fields_of(schema),
        "{}", {each["name"]: each["workers"] for each in ready["steps"]},
    )  # fmt: skip


def as_yaml(content: Mapping[str, Any]) -> str:
    """A template as a file would say it, in the order of the reference."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=110)


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """(kind, line) of each line that was added or removed or stands around one.

    >>> difference("a: 1\\nb: 2\\n", "a: 1\\nb: 3\\n")
    [('same', 'a: 1'), ('gone', 'b: 2'), ('new', 'b: 3')]
    """
    kinds = {" ": "same", "-": "gone", "+": "new", "@": "skip"}
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    told = [(kinds[line[0]], "" if line.startswith("@@") else line[1:]) for line in list(lines)[2:]]
    return told[1:] if told and told[0][0] == "skip" else told


def _newest(versions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(versions, key=lambda each: semver.precedence(each["version"]), reverse=True)
