"""``tasker export``, and the names and flags of the command that some know as ``tasker-ctl``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasker_core import PermanentError, RetryableError
from tasker_core.step_handler import Decision
from tasker_core.testing import Rehearsal
from tests.support.workshop import Workshop, tasker

SECRET = {"order": 7, "card_number": "4111", "customer": {"API-Token": "tk", "name": "Ann"}}


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.handler("cart")(lambda: {"total": 42, "password": "hush"})
    workshop.handler("pay")(lambda: {"paid": True})
    workshop.template({"cart": [], "pay": ["cart"]})
    return workshop


def test_a_task_with_everything_and_without_its_secrets(shop: Workshop) -> None:
    task = shop.create(context=SECRET)
    shop.start()
    shop.finish(task)
    done = tasker("export", task, "-o", "task.json", cwd=shop.directory, url=shop.url)
    assert (done.code, done.out) == (0, "wrote task.json\n")
    text = (shop.directory / "task.json").read_text()
    assert not any(secret in text for secret in ("4111", '"tk"', "hush"))
    told = json.loads(text)
    assert (told["format"], told["redacted"]) == ("tasker-task/1", True)
    assert told["task"]["context"]["order"] == 7 and told["task"]["context"]["card_number"] == "[redacted]"
    assert told["task"]["context"]["customer"] == {"API-Token": "[redacted]", "name": "Ann"}
    cart, pay = told["steps"]
    assert cart["results"]["result"] == {"total": 42, "password": "[redacted]"} and pay["dependencies"] == ["cart"]
    assert [attempt["ending"] for attempt in pay["history"]] == ["ok"]
    assert told["transitions"][-1]["to_state"] == "complete" and told["explanation"]["state"] == "complete"
    assert [step["handler"] for step in told["template"]["steps"]] == ["cart", "pay"]
    whole = json.loads(tasker("export", task, "--secrets", url=shop.url).out)
    assert whole["task"]["context"] == SECRET and whole["steps"][0]["results"]["result"]["password"] == "hush"
    assert not whole["redacted"]


def replay(file: Path) -> dict[str, Any]:
    """The names of an exported test, whose tests have passed."""
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    for name, test in list(names.items()):
        if name.startswith("test_"):
            test()
    return names


def test_a_test_in_which_a_task_goes_as_it_went(workshop: Workshop) -> None:
    tries = iter([RetryableError("no connection"), None])

    def pay() -> dict[str, Any]:
        if (error := next(tries)) is not None:
            raise error
        return {"paid": True, "token": "tk-1"}

    def ship() -> None:
        raise PermanentError("no such street", error_code="ADDRESS")

    workshop.handler("pay")(pay)
    workshop.handler("ship")(ship)
    workshop.template({"pay": [], "ship": ["pay"]})
    task = workshop.create(context={"cart": 7, "password": "hush"})
    workshop.start()
    workshop.finish(task)
    done = tasker("export", task, "--as-test", "-o", "test_task.py", cwd=workshop.directory, url=workshop.url)
    assert (done.code, done.out) == (0, "wrote test_task.py\n")
    file = workshop.directory / "test_task.py"
    assert "hush" not in file.read_text() and "tk-1" not in file.read_text()
    names = replay(file)
    assert [type(attempt).__name__ for attempt in names["ATTEMPTS"]["pay"]] == ["StepHandlerResult", "dict"]
    file.write_text(file.read_text().replace('"blocked_by_failures"', '"complete"'))
    with pytest.raises(AssertionError):
        replay(file)


def test_decisions_and_batches_go_again_as_well() -> None:
    template = {
        "name": "sales", "namespace_name": "shop", "version": "1.0.0",
        "steps": [
            {"name": "route", "type": "decision", "handler": {"callable": "route"}},
            {"name": "by_air", "handler": {"callable": "fly"}, "dependencies": ["route"]},
            {"name": "by_sea", "handler": {"callable": "send"}, "dependencies": ["route"]},
        ],
    }  # fmt: skip
    with Rehearsal([template]) as rehearsal:
        rehearsal.replace("route", Decision.route(["by_sea"]))
        rehearsal.replace("send", {"sent": True})
        rehearsal.replace("fly", {"sent": True})
        task = rehearsal.run("sales", {"no": 1}, namespace="shop").assert_complete().task_uuid
        done = tasker("export", task, "--as-test", url=rehearsal.database_url)
    assert done.code == 0, done.err
    names: dict[str, Any] = {}
    exec(done.out, names)
    names["test_sales_goes_as_it_went"]()
    assert set(names["ATTEMPTS"]) == {"route", "by_sea"}


def test_what_no_handler_brought_about_is_no_test(shop: Workshop) -> None:
    task = shop.create(context={})
    done = tasker("export", task, "--as-test", url=shop.url)
    assert done.code == 2 and "the task is steps_in_process" in done.err
    assert tasker("task", "cancel", task, url=shop.url).code == 0
    assert "the task is cancelled" in tasker("export", task, "--as-test", url=shop.url).err


def test_flags_that_are_known_from_elsewhere(shop: Workshop, tmp_path: Path) -> None:
    created = tasker(
        "task", "create", "--name", "flow", "-n", "shop", "-v", "1.0.0", "-i", '{"no": 1}', "-p", "5",
        "--description", "an order", url=shop.url,
    )  # fmt: skip
    assert (created.code, created.err) == (0, "")
    task = json.loads(tasker("-vv", "--format", "json", "task", "get", created.out.strip(), url=shop.url).out)
    assert (task["context"], task["priority"]) == ({"no": 1}, 5)
    for wrong in (["task", "create"], ["task", "create", "flow", "--name", "flow"]):
        done = tasker(*wrong, url=shop.url)
        assert done.code == 2 and "name the template once" in done.err
    file = tmp_path / "elsewhere.toml"
    file.write_text("[worker]\nconcurrency = 3\n")
    told = json.loads(tasker("-c", file, "-p", "production", "config", "explain", "worker.concurrency", "--json").out)
    assert told["value"] == 3 and told["from"].startswith(str(file))
    info = json.loads(tasker("-p", "production", "system", "info", "--json", url=shop.url).out)
    assert info["environment"] == "production" and info["asks"] == shop.url
    shop.start()
    for word in ("status", "health"):
        assert "2 handlers" in tasker("worker", word, "whoever", url=shop.url).out
    health = tasker("system", "health", "--json", url=shop.url)
    assert health.code == 0 and json.loads(health.out)["workers"] == {"healthy": True, "status": "1 live"}
    assert tasker("dlq", "get", task["task_uuid"], "--task", url=shop.url).code == 2


def test_without_a_worker_the_system_is_not_healthy(shop: Workshop) -> None:
    assert tasker("system", "health", url=shop.url).code == 1
    assert tasker("system", "health", "-o", url=shop.url).code == 0


def test_a_template_to_begin_with(tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    made: list[str | Path] = [
        "template",
        "generate",
        "order",
        "-n",
        "shop",
        "--step",
        "cart",
        "--step",
        "pay:cart",
        "-o",
        file,
    ]
    assert tasker(*made, "--param", "id=integer").out == f"wrote {file}\n"
    content = yaml.safe_load(file.read_text())
    assert content["steps"][1]["dependencies"] == ["cart"] and content["input_schema"]["required"] == ["id"]
    assert tasker("template", "validate", file, "--strict").code == 0
    assert tasker("generate", "scaffold", file, "-o", tmp_path).code == 0
    again = tasker(*made)
    assert again.code == 2 and f"{file} is there already" in again.err
    odd = tasker("template", "generate", "order", "--step", "pay:crat", "--step", "cart")
    assert odd.code == 2 and "did you mean 'cart'" in odd.err
