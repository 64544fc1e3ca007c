"""What an environment changes holds for everyone: the worker, the client, the server, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasker_core import RetryableError, StepContext
from tasker_core.engine import Engine
from tasker_core.rules.template import Template
from tasker_core.store import Store, open_database
from tests.support.served import served
from tests.support.workshop import Workshop, flow, tasker

TEMPLATE = flow(
    {"pay": []},
    also={
        "environments": {
            "production": {
                "steps": [
                    {"name": "pay", "handler": {"initialization": {"url": "https://live"}}},
                    {"name": "ALL", "timeout_seconds": 9, "retry": {"max_attempts": 2, "backoff": "none"}},
                ]
            }
        }
    },
    pay={
        "handler": {"callable": "pay", "initialization": {"url": "http://test", "key": "k"}},
        "retry": {"max_attempts": 1},
    },
)

HANDLERS = """
from tasker_core.step_handler import StepHandler


class Pay(StepHandler):
    handler_name = "pay"

    def config_schema(self):
        return {"properties": {"url": {"const": "http://test"}}}

    def call(self, context):
        return self.success({})
"""


@pytest.mark.parametrize(("environment", "url", "attempts"), [
    (None, "http://test", 1), ("production", "https://live", 2), ("test", "http://test", 1),
])  # fmt: skip
def test_the_worker_runs_and_retries_as_its_environment_says(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, environment: str | None, url: str, attempts: int
) -> None:
    seen: list[tuple[object, object]] = []

    @workshop.handler("pay")
    def pay(context: StepContext) -> None:
        seen.append((context.get_config("url"), context.get_config("key")))
        raise RetryableError("busy")

    monkeypatch.delenv("TASKER_ENV", raising=False)
    if environment:
        monkeypatch.setenv("TASKER_ENV", environment)
    workshop.client.register_template(TEMPLATE)
    workshop.start()
    task = workshop.run()
    assert seen == [(url, "k")] * attempts
    assert workshop.steps(task.task_uuid)["pay"].max_attempts == attempts, "the client sees it so"


def test_the_server_tells_what_was_registered_and_what_holds(sqlite_url: str) -> None:
    with served(sqlite_url) as plain:
        plain.engine.catalog.register(Template.from_content(TEMPLATE), replace=False)
        told = plain.get("/v1/templates/shop/flow/latest")
        assert told["configuration"]["environments"]["production"]["steps"][0]["name"] == "pay"
        assert (told["version"], told["steps"][0]["default_max_attempts"]) == ("1.0.0", 1)


def test_every_engine_of_an_environment_takes_the_template_so(each_database_url: str) -> None:
    database = open_database(each_database_url)
    database.migrate()
    store = Store(database)
    try:
        for environment, attempts, limit in (("production", 2, 9.0), ("", 1, None)):
            engine = Engine(store, environment=environment)
            known = engine.catalog.register(Template.from_content(TEMPLATE), replace=False).known
            step = known.step(1)
            assert (step.retry_policy.max_attempts, step.timeout_seconds) == (attempts, limit)
            again = engine.catalog.register(Template.from_content(TEMPLATE), replace=False)
            assert (again.new, again.refused) == (False, ()), "it is the same content in every environment"
            other = Template.from_content({**TEMPLATE, "description": "other"})
            refused = engine.catalog.register(other, replace=False).refused
            assert refused == ('description: default -> "other"',), "what environments change is no difference"
            told = engine.listings.template("shop", "flow", "1.0.0")
            assert (told["environment"], told["steps"][0]["default_max_attempts"]) == (environment, attempts)
            assert told["configuration"] == Template.from_content(TEMPLATE).content()
    finally:
        store.close()


def test_the_command_checks_settings_as_they_are_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(json.dumps(TEMPLATE))
    (tmp_path / "shop.py").write_text(HANDLERS)

    def findings(environment: str) -> list[dict[str, Any]]:
        done = tasker(
            "template", "validate", "flow.yaml", "--handlers", "shop", "--json", cwd=tmp_path, TASKER_ENV=environment
        )
        found: list[dict[str, Any]] = json.loads(done.out)[0]["findings"]
        return [each for each in found if each["code"] == "BAD_SETTINGS"]

    assert findings("development") == []
    (wrong,) = findings("production")
    assert "url" in wrong["message"]
