"""``pytest --crash-everywhere``, in a user's project."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TEMPLATE = """
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler: {callable: shop_pay}
  - name: ship
    handler: {callable: shop_ship}
    dependencies: [pay]
"""
HANDLERS = """
from tasker_core import StepContext
from tasker_core.step_handler import step_handler

charges = {}

@step_handler("shop_pay")
def pay(context: StepContext):
    charges.setdefault(KEY, 30)
    return {"paid": 30, "at": context.task_uuid.hex}

@step_handler("shop_ship")
def ship(context: StepContext):
    return {"shipped": True}
"""
TEST = """
import shop_handlers

def test_an_order_is_charged_once(tasker):
    shop_handlers.charges.clear()
    run = tasker.run("order", {"cart": 1}, namespace="shop")
    run.assert_complete()
    assert len(shop_handlers.charges) == 1

def test_without_tasker():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose templates and handlers stand in pytest's settings; ``KEY`` is still open in its handlers."""
    pytester.makepyfile(test_orders=TEST)
    pytester.makeini("[pytest]\ntasker_templates = tasks\ntasker_handlers = shop_handlers\npythonpath = .\n")
    (pytester.path / "tasks").mkdir()
    (pytester.path / "tasks" / "order.yaml").write_text(TEMPLATE)
    return pytester


def handlers(project: pytest.Pytester, key: str) -> None:
    (project.path / "shop_handlers.py").write_text(HANDLERS.replace("KEY", key))


def test_a_handler_that_uses_its_idempotency_key_survives_every_crash(project: pytest.Pytester) -> None:
    handlers(project, "context.idempotency_key")
    done = project.runpytest_inprocess("--crash-everywhere", "-p", "no:xdist")
    done.assert_outcomes(passed=2)


def test_one_that_doesnt_is_found_with_the_place_of_the_crash(project: pytest.Pytester) -> None:
    handlers(project, "object()")
    project.runpytest_inprocess("-p", "no:xdist").assert_outcomes(passed=2)
    done = project.runpytest_inprocess("--crash-everywhere", "-p", "no:xdist")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*assert 2 == 1*", "with a crash before commit 2 of *; without one the test passes"])


def test_a_task_that_ends_otherwise_is_found_and_what_differs_anyway_is_not(project: pytest.Pytester) -> None:
    handlers(project, "len(charges)")
    source = HANDLERS.replace("KEY", "len(charges)").replace('"paid": 30', '"paid": len(charges)')
    (project.path / "shop_handlers.py").write_text(source)
    (project.path / "test_orders.py").write_text(TEST.replace("    assert len(shop_handlers.charges) == 1\n", ""))
    done = project.runpytest_inprocess("--crash-everywhere", "-p", "no:xdist")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*result of pay.paid: 2 instead of 1"])


def test_the_settings_of_tasker_are_enough(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    handlers(project, "context.idempotency_key")
    project.makeini("[pytest]\npythonpath = .\n")
    (project.path / "tasker.toml").write_text('[worker]\nhandlers = ["shop_handlers"]\ntemplate_path = "tasks"\n')
    project.runpytest_inprocess("-p", "no:xdist").assert_outcomes(passed=2)
