"""``tasker export``: a task with everything, as one JSON document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tasker_core.cli.asking import TaskId, ask
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.client import TaskerClient
from tasker_core.errors import DeadLetterNotFoundError
from tasker_core.settings import load_settings

FORMAT = "tasker-task/1"


def export(
    task: TaskId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write it to.")] = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Mask nothing.")] = False,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write a task with everything, as JSON: its context, template, steps with their results, and all that happened.

    Values below keys that sound like secrets are masked, as the setting redact says. A server shows of a context
    what the caller may see.
    """
    # Not at the top: it loads the server's modules, which no other command of a terminal needs.
    from tasker_core.server.redaction import as_it_is, payloads_redacted, redaction

    redact = as_it_is if secrets else payloads_redacted(redaction(load_settings().redact))
    with ask(database_url) as client:
        document = redact(_everything(client, task)) | {"redacted": not secrets}
    if output is None:
        print_json(document)
        return
    output.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
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
