"""A test that runs a template's handlers, from a task's context to its end."""

from __future__ import annotations

from tasker_core.generating.handlers import value_of
from tasker_core.generating.models import Models
from tasker_core.generating.names import text
from tasker_core.generating.samples import sample
from tasker_core.rules.template import Template


def trial_source(template: Template, models: Models, types_module: str, handlers_module: str, file: str) -> str:
    """The text of a module for pytest: a task of the template in ``file`` runs to its end, each result fits its model.

    ``file`` is relative to the test.
    """
    example = sample(template.input_schema) if template.input_schema else {}
    context = example if isinstance(example, dict) else {}
    checked = "\n".join(f"    {text(step)}: {types_module}.{model}," for step, model in models.results.items())
    results = f"\nMODELS: dict[str, type[BaseModel]] = {{\n{checked}\n}}" if checked else ""
    fits = (
        """


def test_each_result_fits_its_model(ran: dict[str, StepResponse]) -> None:
    for name, step in ran.items():
        if name in MODELS:
            MODELS[name].model_validate((step.results or {})["result"])"""
        if checked
        else ""
    )
    pydantic = "from pydantic import BaseModel\n" if checked else ""
    ours = f"\nimport {types_module}\n" if checked else ""
    return f'''"""Runs task template {template.identity} in this process, on a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
{pydantic}from tasker_core import TaskerClient, Worker
from tasker_core.types import StepResponse, TaskResponse
{ours}
TEMPLATE = Path(__file__).parent / {text(file)}
CONTEXT: dict[str, Any] = {value_of(context, 0)}{results}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskerClient]:
    url = f"sqlite:///{{tmp_path_factory.mktemp('store')}}/tasker.db"
    worker = Worker.start([{text(handlers_module)}], database_url=url, template_path=TEMPLATE)
    with TaskerClient(database_url=url) as client:
        yield client
    worker.stop()


@pytest.fixture(scope="module")
def task(client: TaskerClient) -> TaskResponse:
    task = client.create_task({text(template.name)}, namespace={text(template.namespace_name)}, context=CONTEXT)
    return client.wait(task.task_uuid, timeout=30)


@pytest.fixture(scope="module")
def ran(client: TaskerClient, task: TaskResponse) -> dict[str, StepResponse]:
    steps = client.list_task_steps(task.task_uuid)
    return {{step.template_step: step for step in steps if step.current_state == "complete"}}


def test_a_task_runs_to_its_end(client: TaskerClient, task: TaskResponse) -> None:
    assert task.status == "complete", client.explain(task.task_uuid).text
    assert not task.warnings{fits}
'''
