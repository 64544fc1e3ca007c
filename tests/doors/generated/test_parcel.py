"""Runs task template generated/parcel 1.0.0 in this process, on a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tasker_core import TaskerClient, Worker
from tasker_core.types import StepResponse, TaskResponse

import tests.doors.generated.parcel_types

TEMPLATE = Path(__file__).parent / "parcel.yaml"
CONTEXT: dict[str, Any] = {"order": 1, "to": {"street": "example", "country": "AB"}, "weight_kg": 1.0}
MODELS: dict[str, type[BaseModel]] = {
    "price": tests.doors.generated.parcel_types.PriceResult,
    "by_road": tests.doors.generated.parcel_types.ByRoadResult,
    "by_air": tests.doors.generated.parcel_types.ByAirResult,
    "tell": tests.doors.generated.parcel_types.TellResult,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskerClient]:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/tasker.db"
    worker = Worker.start(["tests.doors.generated.parcel_handlers"], database_url=url, template_path=TEMPLATE)
    with TaskerClient(database_url=url) as client:
        yield client
    worker.stop()


@pytest.fixture(scope="module")
def task(client: TaskerClient) -> TaskResponse:
    task = client.create_task("parcel", namespace="generated", context=CONTEXT)
    return client.wait(task.task_uuid, timeout=30)


@pytest.fixture(scope="module")
def ran(client: TaskerClient, task: TaskResponse) -> dict[str, StepResponse]:
    steps = client.list_task_steps(task.task_uuid)
    return {step.template_step: step for step in steps if step.current_state == "complete"}


def test_a_task_runs_to_its_end(client: TaskerClient, task: TaskResponse) -> None:
    assert task.status == "complete", client.explain(task.task_uuid).text
    assert not task.warnings


def test_each_result_fits_its_model(ran: dict[str, StepResponse]) -> None:
    for name, step in ran.items():
        if name in MODELS:
            MODELS[name].model_validate((step.results or {})["result"])
