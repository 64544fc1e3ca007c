"""A task runs to its end on the content that it started with, whatever becomes of its template meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasker_core import StepContext, Worker
from tests.support.workshop import Workshop, flow
from tests.support.workshops import postgres_of_the_suites, store_url, workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]


def said(colour: str, graph: dict[str, list[str]], attempts: int) -> dict[str, Any]:
    handlers = {step: {"callable": step, "initialization": {"colour": colour}} for step in graph}
    retry = {"max_attempts": attempts, "backoff": "none", "backoff_base_ms": 0}
    keys: dict[str, Any] = {step: {"handler": handler, "retry": retry} for step, handler in handlers.items()}
    return flow(graph, **keys)


def forget(workshop: Workshop) -> None:
    """Close the store, so that nothing of it is remembered by this process."""
    workshop.client.close()
    del workshop.__dict__["client"]


def test_the_same_version_is_replaced_while_a_task_runs_and_the_worker_starts_again(
    workshop: Workshop, tmp_path: Path
) -> None:
    ran: list[tuple[str, str, Any]] = []

    def record(context: StepContext) -> None:
        ran.append((str(context.task_uuid), context.step_name, context.get_config("colour")))
        if context.step_name == "ship":
            raise RuntimeError("the lorry is away")

    for step in ("pay", "wrap", "ship"):
        workshop.handler(step)(lambda context: record(context))
    file = tmp_path / "flow.yaml"
    file.write_text(json.dumps(said("red", {"pay": [], "ship": ["pay"]}, attempts=2)))
    workshop.start(template_path=str(file))
    before, beside = workshop.create(context={"n": 1}), workshop.create(context={"n": 2})
    workshop.finish(before)
    Worker.reset_instance()
    left_over = workshop.create(context={"n": 3})
    forget(workshop)

    file.write_text(json.dumps(said("blue", {"pay": [], "wrap": ["pay"]}, attempts=1)))
    workshop.start(template_path=str(file))
    after = workshop.create(context={"n": 4})
    for task in (beside, left_over, after):
        workshop.finish(task)

    def steps_of(task: str) -> list[tuple[str, Any]]:
        return [(step, colour) for of, step, colour in ran if of == task]

    red = [("pay", "red"), ("ship", "red"), ("ship", "red")]
    assert steps_of(before) == steps_of(beside) == steps_of(left_over) == red
    assert steps_of(after) == [("pay", "blue"), ("wrap", "blue")]
    assert {step.max_attempts for step in workshop.client.list_task_steps(left_over)} == {2}
    assert {step.max_attempts for step in workshop.client.list_task_steps(after)} == {1}


def test_a_file_that_is_gone_keeps_no_task_from_its_end(workshop: Workshop, tmp_path: Path) -> None:
    for step in ("pay", "ship"):
        workshop.handler(step)(lambda: None)
    templates = tmp_path / "tasks"
    templates.mkdir()
    (templates / "flow.yaml").write_text(json.dumps(said("red", {"pay": [], "ship": ["pay"]}, attempts=1)))
    workshop.start(template_path=str(templates))
    Worker.reset_instance()
    task = workshop.create()
    forget(workshop)
    (templates / "flow.yaml").unlink()
    workshop.start(template_path=str(templates))
    assert workshop.finish(task).status == "complete"


def test_a_client_asks_for_the_latest_version(workshop: Workshop) -> None:
    for version in ("1.9.0", "1.10.0", "2.0.0-rc.1"):
        workshop.template({"pay": []}, version=version)
    task = workshop.client.create_task("flow", namespace="shop", version="latest")
    assert task.version == "1.10.0"
