"""The API does what its OpenAPI document says, whatever is asked: no 5xx, no answer that the document doesn't have."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.support.flows import AWAY, Hands, failed, flow, ok
from tests.support.served import Served

EXAMPLES = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 12


@pytest.fixture
def peopled(api: Served) -> dict[str, list[str]]:
    """A store in which there is some of everything: what may stand in a path, by the parameter's name."""
    api.engine.catalog.register(flow({"pay": []}, name="fragile", max_crashes=1), replace=False)
    hands, away = Hands(api.engine), Hands(api.engine, AWAY, "away")
    tasks = [api.create(context={"n": n}, tags=["a"], correlation_id=None) for n in range(4)]
    lost = api.create("fragile")
    away.claim_all()
    api.engine.store.workers.end(away.number)
    api.engine.sweep()
    leases = hands.claim_all()
    hands.report(ok(leases[0], {"paid": 1}), failed(leases[1], "no", retryable=False), failed(leases[2], "busy"))
    hands.play()
    api.delete(f"/v1/tasks/{tasks[3]}")
    (letter,) = api.get("/v1/dlq")
    steps = [step["step_uuid"] for task in (*tasks, lost) for step in api.get(f"/v1/tasks/{task}/workflow_steps")]
    return {
        "task_uuid": [*tasks, lost], "step_uuid": steps, "dlq_entry_uuid": [letter["dlq_entry_uuid"]],
        "namespace": ["shop"], "name": ["order", "fragile"], "version": ["1.0.0"], "after": tasks,
    }  # fmt: skip


# The server runs in threads of this process, and draws from `random` when it likes: also while a strategy draws.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
def test_no_answer_is_a_surprise(api: Served, peopled: dict[str, list[str]]) -> None:
    schema = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    turns = itertools.count()

    def meet(values: dict[str, Any]) -> dict[str, Any]:
        """Half of what is asked for is there."""
        known = {name: here[next(turns) % len(here)] for name in values if (here := peopled.get(name))}
        return values if next(turns) % 2 else values | known

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
        return meet(path_parameters or {})

    seen: set[str] = set()
    for operation in operations(schema):
        seen.add(operation.label)
        ask(operation)
    document = api.get("/openapi.json")["paths"]
    assert seen == {f"{method.upper()} {path}" for path, methods in document.items() for method in methods}


def operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        yield found.ok()


def ask(operation: Any) -> None:
    """Ask this operation many things, sound and unsound, and look at each answer."""

    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck),
        derandomize=EXAMPLES < 100,
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy())
    def asked(case: Any) -> None:
        answer = case.call(timeout=30)
        case.validate_response(answer, excluded_checks=[positive_data_acceptance] if is_beyond_schemas(answer) else [])

    asked()


def is_beyond_schemas(answer: schemathesis.Response) -> bool:
    """Each part of what was asked is sound, but they don't fit together, one is missing of which any would do, a path
    into the context leads nowhere, a URL or a secret isn't one, or the state of what it is about forbids it."""
    if answer.status_code != 400:
        return answer.status_code == 422
    error = answer.json()["error"]
    together = (
        "not several",
        "not both",
        "it goes with",
        "at least one filter",
        "must be a path like",
        "there is a webhook named",
    )
    has_a_grammar = error.get("field") in ("url", "secret")
    return bool(
        has_a_grammar or error["code"] == "INVALID_STATE" or any(words in error["message"] for words in together)
    )
