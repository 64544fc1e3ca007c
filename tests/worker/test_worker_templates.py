"""Where a worker takes its templates from, and what it does with those that are wrong or have changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasker_core import TemplateError, Worker
from tests.support.workshop import Workshop, eventually, flow

BROKEN = """\
name: flow
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler: {callable: pay}
    dependencies: [crat]
  - name: cart
    handler: {callable: cart}
"""


def write(path: Path, template: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(template, sort_keys=False), "utf-8")
    return path


@pytest.mark.parametrize("where", ["TASKER_TEMPLATE_PATH", "config/tasks", "template_path", "one file"])
def test_templates_are_taken_from(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.chdir(workshop.directory)
    folder = workshop.directory / ("config/tasks" if where == "config/tasks" else "templates")
    file = write(folder / "deep" / "flow.yaml", flow({"work": []}))
    settings: dict[str, Any] = {}
    match where:
        case "TASKER_TEMPLATE_PATH":
            monkeypatch.setenv("TASKER_TEMPLATE_PATH", str(folder))
        case "template_path":
            settings["template_path"] = folder
        case "one file":
            settings["template_path"] = file
    workshop.handler("work")(lambda: None)
    workshop.start(**settings)
    assert workshop.run().status == "complete"


def test_a_given_path_wins_over_the_environment(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    write(workshop.directory / "given" / "flow.yaml", flow({"work": []}, name="given"))
    write(workshop.directory / "named" / "flow.yaml", flow({"work": []}, name="named"))
    monkeypatch.setenv("TASKER_TEMPLATE_PATH", str(workshop.directory / "named"))
    workshop.start(template_path=workshop.directory / "given")
    assert workshop.query("select name from tasker_templates") == [("given",)]


def test_a_path_that_is_not_there_refuses_the_start(workshop: Workshop) -> None:
    with pytest.raises(TemplateError, match=r"nowhere: no such file or directory of templates"):
        workshop.start(template_path=workshop.directory / "nowhere")
    assert Worker.instance() is None


def test_broken_templates_refuse_the_start_all_of_them_named_by_line(workshop: Workshop) -> None:
    folder, before = workshop.directory / "templates", _threads()
    write(folder / "fine.yaml", flow({"work": []}))
    (folder / "misspelt.yaml").write_text(BROKEN)
    (folder / "torn.yaml").write_text("name: flow\nsteps: [\n")
    with pytest.raises(TemplateError) as refused:
        workshop.start(template_path=folder)
    said = str(refused.value)
    assert re.search(r"misspelt\.yaml:7: .*'crat'.*did you mean 'cart'\?", said)
    assert re.search(r"torn\.yaml:[23]", said)
    assert Worker.instance() is None
    assert not [thread for thread in _threads() if thread.startswith("tasker") and thread not in before]


def _threads() -> list[str]:
    import threading

    return [thread.name for thread in threading.enumerate()]


def test_a_key_that_nobody_knows_is_a_warning_here(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    file = write(workshop.directory / "flow.yaml", {**flow({"work": []}), "owner": "Ann", "x-owner": "Ann"})
    workshop.handler("work")(lambda: None)
    workshop.start(template_path=file)
    warned = [record.message for record in caplog.records if "owner" in record.message]
    assert len(warned) == 1 and "flow.yaml:" in warned[0] and "unknown" in warned[0].lower()
    assert workshop.run().status == "complete"


def test_development_replaces_what_has_changed_and_running_tasks_keep_theirs(workshop: Workshop) -> None:
    path = workshop.directory / "flow.yaml"
    for name in ("old", "new", "first"):
        workshop.handler(name)(lambda: None)
    write(path, flow({"first": [], "old": ["first"]}))
    with workshop.start(template_path=path):
        before = workshop.run(context={"no": 1})
    waiting = workshop.create(context={"no": 2})
    write(path, flow({"first": [], "new": ["first"]}))
    workshop.start(template_path=path)
    after = workshop.run(context={"no": 3})
    workshop.finish(waiting)
    assert [sorted(workshop.states(task)) for task in (before.task_uuid, waiting, after.task_uuid)] == [
        ["first", "old"],
        ["first", "old"],
        ["first", "new"],
    ]


def test_production_shows_the_difference_and_runs_what_is_registered(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = workshop.directory / "flow.yaml"
    workshop.handler("work")(lambda: None)
    workshop.handler("more")(lambda: None)
    write(path, flow({"work": []}))
    workshop.client.register_template(path)
    write(path, flow({"work": [], "more": ["work"]}))
    monkeypatch.setenv("TASKER_ENV", "production")
    workshop.start(template_path=path)
    (refusal,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert "flow.yaml differs from what is registered as shop/flow 1.0.0" in refusal
    assert "TASKER_ENV=production doesn't replace it: raise its version" in refusal
    assert re.search(r"Differences:\n  .*more", refusal)
    assert list(workshop.states(workshop.run().task_uuid)) == ["work"]
    with pytest.raises(TemplateError, match=r"isn't replaced outside development; raise its version"):
        workshop.client.register_template(path)
    write(path, flow({"work": [], "more": ["work"]}, version="1.1.0"))
    workshop.client.register_template(path)
    newer = workshop.run(context={"no": 2}, version="1.1.0")
    assert (newer.status, sorted(workshop.states(newer.task_uuid))) == ("complete", ["more", "work"])


@pytest.fixture
def shop_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of handlers that nobody has imported."""
    name = f"dotted_shop_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(
        "from tasker_core import StepHandler\n\n\n"
        "class Pay(StepHandler):\n    handler_name = 'pay'\n\n"
        "    def call(self, context):\n        return self.success({'paid': True})\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_paths_in_own_template_files_are_imported(workshop: Workshop, shop_module: str) -> None:
    template = flow({"pay": []}, pay={"handler": {"callable": f"{shop_module}.Pay"}})
    workshop.start(template_path=write(workshop.directory / "flow.yaml", template))
    assert workshop.result(workshop.run().task_uuid, "pay") == {"paid": True}


def test_paths_in_templates_of_others_are_not_imported(
    workshop: Workshop, shop_module: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever can register a template mustn't be able to run any code of this machine."""
    workshop.client.register_template(flow({"pay": []}, pay={"handler": {"callable": f"{shop_module}.Pay"}}))
    workshop.start()
    task = workshop.create()
    eventually(lambda: "doesn't come from a file of this worker's own" in caplog.text)
    import sys

    assert shop_module not in sys.modules
    assert workshop.states(task) == {"pay": "enqueued"}


@pytest.mark.parametrize(
    "callable", ["Ecommerce::StepHandlers::ValidateCartHandler", "Ecommerce.StepHandlers.ValidateCartHandler"]
)
def test_one_template_serves_handlers_of_any_language(workshop: Workshop, callable: str) -> None:
    workshop.handler("ecommerce_validate_cart")(lambda: {"valid": True})
    workshop.template({"check": []}, check={"handler": {"callable": callable}})
    workshop.start()
    assert workshop.result(workshop.run().task_uuid, "check") == {"valid": True}


def test_two_handlers_that_a_name_could_mean_are_both_named(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.handler("shop_pay")(lambda: None)
    workshop.handler("Shop::StepHandlers::PayHandler")(lambda: None)
    workshop.template({"pay": []}, pay={"handler": {"callable": "Shop.StepHandlers.PayHandler"}})
    workshop.start()
    task = workshop.create()
    eventually(lambda: "shop_pay" in caplog.text and "Shop::StepHandlers::PayHandler" in caplog.text)
    assert "by convention" in caplog.text
    assert workshop.states(task) == {"pay": "enqueued"}


def test_a_step_waits_for_the_worker_that_can_run_it(workshop: Workshop) -> None:
    workshop.template({"rare": []})
    with workshop.start():
        task = workshop.create()
        assert workshop.client.get_task(task).execution_status == "has_ready_steps"
    workshop.handler("rare")(lambda: {"done": True})
    workshop.start()
    assert workshop.finish(task).status == "complete"
