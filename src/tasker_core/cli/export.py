"""``tasker export``: a task with everything, as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tasker_core.cli.asking import TaskId, ask
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.client import TaskerClient
from tasker_core.errors import DeadLetterNotFoundError
from tasker_core.generating.replay import replay_source
from tasker_core.settings import load_settings

FORMAT = "tasker-task/1"


def export(
    task: TaskId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write it to.")] = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Mask nothing.")] = False,
    as_test: Annotated[bool, typer.Option("--as-test", help="Write a test instead, in which it goes again.")] = False,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write a task with everything, as JSON: its context, template, steps with their results, and all that happened.

    With --as-test it is a test for pytest: the task goes again as it went, with what each attempt came to.
    Values below keys that sound like secrets are masked, as the setting redact says. A server shows of a context
    what the caller may see.
    """
    # Not at the top: it loads the server's modules, which no other command of a terminal needs.
    from tasker_core.server.redaction import as_it_is, payloads_redacted, redaction

    redact = as_it_is if secrets else payloads_redacted(redaction(load_settings().redact))
    with ask(database_url) as client:
        if as_test:
            text = _test(client, task, redact)
        else:
            document = redact(_everything(client, task)) | {"redacted": not secrets}
            text = json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    output.write_text(text, "utf-8")
    if as_json:
        print_json({"wrote": str(output)})
    else:
        people.print(f"wrote {output}", markup=False, highlight=False, soft_wrap=True)


def _everything(client: TaskerClient, task: str) -> dict[str, Any]:
    found = client.get_task(task)
    summary = client.summarise_task(task)
    parents = {step["step_uuid"]: step["dependencies"] for step in summary["steps"]}
    try:
        letter: dict[str, Any] | None = dict(client.dead_letter_of_task(task).__dict__)
    except DeadLetterNotFoundError:
        letter = None
    return {
        "format": FORMAT,
        "task": found.__dict__,
        "template": summary["template"],
        "steps": [
            step.__dict__ | {"dependencies": parents.get(step.step_uuid, [])} for step in client.list_task_steps(task)
        ],
        "transitions": client.list_task_transitions(task),
        "explanation": client.explain(task).as_dict(),
        "dead_letter": letter,
    }


def _test(client: TaskerClient, task: str, redact: Callable[[Any], Any]) -> str:
    found = client.get_task(task)
    steps = client.list_task_steps(task)
    audit = {
        step.name: [
            replace(entry, result=redact(entry.result)) for entry in client.get_step_audit_history(task, step.step_uuid)
        ]
        for step in steps
    }
    template = client.get_template(found.namespace, found.name, found.version)
    context = redact({"context": found.context})["context"]
    return replay_source(replace(found, context=context), template["configuration"], steps, audit)
