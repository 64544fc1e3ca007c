"""``tasker template list``, ``info`` and ``diff``: which templates there are, what one says, what two say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from tasker_core.cli.asking import ask
from tasker_core.cli.completing import complete_namespace, complete_template
from tasker_core.cli.output import AsJson, Database, people, print_json, table
from tasker_core.client import TaskerClient
from tasker_core.errors import UnknownTemplateError
from tasker_core.rules import semver
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template import Template
from tasker_core.rules.template_diff import difference
from tasker_core.template_files import read_file

Registered = Annotated[
    str, typer.Argument(help="The template: namespace/name, or its name.", autocompletion=complete_template)
]
Side = Annotated[str, typer.Argument(help="A template file, or a registered one: namespace/name@version.")]


def list_templates(
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", help="Only of this namespace.", autocompletion=complete_namespace),
    ] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the templates that tasks can be created of."""
    with ask(database_url) as client:
        found = client.list_templates(namespace)
    if as_json:
        print_json(found)
        return
    shown = table("template", "version", "steps", "")
    for each in found:
        name = f"{each['namespace']}/{each['name']}"
        shown.add_row(name, each["version"], str(each["step_count"]), Text(each["description"] or "", style="dim"))
    people.print(shown)


def info(
    template: Registered,
    version: Annotated[str | None, typer.Option("--version", "-v", help="Else the newest.")] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show a registered template: its steps, what runs each, what waits for what, how each is retried."""
    with ask(database_url) as client:
        found = template_meant(client, template, version)
    if as_json:
        print_json(found)
        return
    head = Text.assemble((f"{found['namespace']}/{found['name']} ", "bold"), (found["version"], "dim"))
    shown = table("step", "type", "handler", "after", "attempts", "undone by")
    for step in found["steps"]:
        attempts = str(step["default_max_attempts"]) if step["default_retryable"] else "1"
        shown.add_row(
            step["name"], step["step_type"], step["handler"], ", ".join(step["dependencies"]), attempts,
            step["compensated_by"] or "",
        )  # fmt: skip
    people.print(Group(head, *([Text(found["description"])] if found["description"] else []), shown))


def diff(old: Side, new: Side, database_url: Database = None, as_json: AsJson = False) -> None:
    """Tell what two templates say otherwise. Exit code 0 when they say the same, 1 when they don't."""
    found = difference(_side(old, database_url), _side(new, database_url))
    if as_json:
        print_json({"same": not found, "differences": found})
    else:
        for line in found or ["they say the same"]:
            people.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if found else 0)


def template_meant(client: TaskerClient, said: str, version: str | None) -> Mapping[str, Any]:
    """The registered template that ``namespace/name``, ``name`` or either with ``@version`` means; else the newest.

    Raises UnknownTemplateError, naming what is near.
    """
    said, _, at = said.partition("@")
    version = version or at or None
    found = client.list_templates()
    names = {f"{each['namespace']}/{each['name']}": each for each in found}
    namespace, _, name = said.rpartition("/")
    meant = [
        each for each in found
        if each["name"] == name and namespace in ("", each["namespace"]) and version in (None, each["version"])
    ]  # fmt: skip
    if not meant:
        hint = did_you_mean(said, [*names, *(each["name"] for each in found)]) or f"; there are {', '.join(names)}"
        raise UnknownTemplateError(f"no template {said!r}{f' {version}' if version else ''} is registered{hint}")
    if len({each["namespace"] for each in meant}) > 1:
        there = " and ".join(sorted({f"{each['namespace']}/{name}" for each in meant}))
        raise UnknownTemplateError(f"which one is meant by {said!r}? There are {there}")
    newest = semver.newest(meant, lambda each: str(each["version"]))
    return client.get_template(newest["namespace"], newest["name"], newest["version"])


def _side(said: str, database_url: str | None) -> Template:
    if re.search(r"\.ya?ml$", said) or Path(said).exists():
        return read_file(Path(said)).template
    with ask(database_url) as client:
        return Template.from_content(template_meant(client, said, None)["configuration"])
