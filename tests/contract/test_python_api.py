"""Code written for the published package finds every name here, with the parameters and defaults that it relies on."""

from __future__ import annotations

import ast

import pytest

import tasker_core
from tests.contract.stubs import Promise, breaches, promises

BETTER_ON_PURPOSE = {
    "tasker_core.client.TaskerClient.create_task(version=None), not '1.0.0'": (
        "without a version it is 1.0.0, else the newest"
    ),
    "tasker_core.batch_processing.batchable.Batchable.create_worker_outcome(items_succeeded=None), not 0": (
        "a 0 that was meant stays 0; not given, it is what neither failed nor was skipped"
    ),
}

PROMISES = promises()


@pytest.mark.parametrize("promise", PROMISES, ids=str)
def test_what_was_promised_is_there(promise: Promise) -> None:
    assert [breach for breach in breaches(promise) if breach not in BETTER_ON_PURPOSE] == []


def test_what_differs_on_purpose_differs() -> None:
    assert {breach for promise in PROMISES for breach in breaches(promise)} == set(BETTER_ON_PURPOSE)


def test_the_top_level_lists_its_names() -> None:
    top = {promise.name for promise in PROMISES if promise.module == "tasker_core"}
    assert top <= set(tasker_core.__all__)
    assert sorted(set(tasker_core.__all__)) == sorted(tasker_core.__all__)
    assert all(hasattr(tasker_core, name) for name in tasker_core.__all__)


@pytest.mark.parametrize(
    ("stub", "breach"),
    [
        ("def cancel_task(self, reason): ...", "doesn't take 'reason' in place 1"),
        ("def list_tasks(self, *, uuid=None): ...", "takes no 'uuid'"),
        ("def get_task(self): ...", "needs a further 'task_uuid'"),
        ("def list_tasks(self, limit=50): ...", "doesn't take 'limit' in place 1"),
        ("def list_tasks(self, *, limit=20): ...", "(limit=50), not 20"),
        ("def get_task(self, task_uuid, **more): ...", "takes no **more"),
        ("@property\ndef get_task(self): ...", "is no property"),
        ("def no_such(self): ...", "isn't there"),
        ("no_such = 1", "isn't there"),
    ],
)
def test_a_difference_is_found(stub: str, breach: str) -> None:
    body = "\n".join(f"    {line}" for line in stub.splitlines())
    (parsed,) = ast.parse(f"class TaskerClient:\n{body}\n").body
    found = list(breaches(Promise("tasker_core.client", "TaskerClient", parsed)))
    assert found and found[0].endswith(breach)
