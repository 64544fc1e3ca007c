"""``tasker task`` and ``tasker template``, for people and for programs."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasker_core import PermanentError, StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tests.support.workshop import Finished, Workshop, flow, tasker

TASK_KEYS = {
    "task_uuid", "name", "namespace", "version", "status", "created_at", "updated_at", "completed_at", "context",
    "initiator", "source_system", "reason", "priority", "tags", "correlation_id", "parent_correlation_id",
    "total_steps", "pending_steps", "in_progress_steps", "completed_steps", "failed_steps", "ready_steps",
    "execution_status", "recommended_action", "completion_percentage", "health_status", "steps",
    "warnings", "paused", "compensated",
}  # fmt: skip
STEP_KEYS = {
    "step_uuid", "task_uuid", "name", "created_at", "updated_at", "completed_at", "results", "current_state",
    "dependencies_satisfied", "retry_eligible", "ready_for_execution", "total_parents", "completed_parents", "attempts",
    "max_attempts", "last_failure_at", "next_retry_at", "last_attempted_at",
}  # fmt: skip
RESULT_KEYS = {"success", "status", "result", "error", "execution_time_ms", "metadata"}
NOBODY = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.handler("cart")(lambda: {"total": 42})
    workshop.handler("pay")(lambda: {"paid": True})
    workshop.template({"cart": [], "pay": ["cart"]})
    return workshop


def say(shop: Workshop, *arguments: str | Path, feed: str | None = None) -> Finished:
    return tasker(*arguments, cwd=shop.directory, url=shop.url, feed=feed)


def test_a_task_from_its_creation_to_its_end(shop: Workshop) -> None:
    made = say(
        shop, "task", "create", "flow", "-n", "shop", "-i", '{"no": 1}', "-p", "5", "--tag", "web", "--tag", "eu"
    )
    task = made.out.strip()
    assert (made.code, made.err) == (0, "") and shop.client.get_task(task).context == {"no": 1}
    told = json.loads(say(shop, "task", "get", task, "--json").out)
    assert told.keys() == TASK_KEYS and all(step.keys() >= STEP_KEYS for step in told["steps"])
    assert (told["status"], told["priority"], told["tags"]) == ("steps_in_process", 5, ["web", "eu"])
    assert told["source_system"] == "tasker command"
    waited = say(shop, "task", "wait", task, "--timeout", "0.1")
    assert (waited.code, waited.out) == (1, "")
    assert re.match(rf"error: task {task} is steps_in_process after 0\.1 s \(has_ready_steps\)", waited.err)
    shop.start()
    waited = say(shop, "task", "wait", task, "--json")
    told = json.loads(waited.out)
    assert (waited.code, told["status"], told.keys()) == (0, "complete", TASK_KEYS)
    assert told["steps"][1]["results"].keys() == RESULT_KEYS
    assert told["steps"][1]["results"]["result"] == {"paid": True}
    shown = say(shop, "task", "get", task).out
    assert re.search(rf"^shop/flow 1\.0\.0 +complete +{task}$", shown, re.MULTILINE)
    assert re.search(r"^ *pay +complete +1 of 3 +\d+ ms *$", shown, re.MULTILINE)


def test_creating_in_json_and_twice(shop: Workshop) -> None:
    made = json.loads(say(shop, "task", "create", "flow", "--json", "-k", "order-1", "-i", "-", feed='{"no": 1}').out)
    assert made.keys() == TASK_KEYS and made["context"] == {"no": 1}
    again = say(shop, "task", "create", "flow", "-k", "order-1", "-i", '{"no": 2}')
    assert again.code == 1 and again.out == ""
    assert f"exists already for this idempotency key 'order-1', with a different context: task {made['task_uuid']}" in (
        again.err
    )


def test_lists_for_people_and_for_programs(shop: Workshop) -> None:
    tasks = [shop.create(context={"no": no}) for no in range(3)]
    shop.client.cancel_task(tasks[0])
    listed = say(shop, "task", "list", "--limit", "2")
    lines = listed.out.splitlines()
    assert lines[0].split() == ["task", "template", "state", "steps", "created"]
    assert [line.split()[:5] for line in lines[1:3]] == [
        [task, "shop/flow", "steps_in_process", "0", "of"] for task in (tasks[2], tasks[1])
    ]
    assert lines[3] == "2 of 3; more with --offset 2"
    page = json.loads(say(shop, "task", "list", "--status", "cancelled", "--json").out)
    assert page.keys() == {"tasks", "pagination"} and [task["task_uuid"] for task in page["tasks"]] == tasks[:1]
    assert page["pagination"] == {
        "page": 1, "per_page": 20, "total_count": 1, "total_pages": 1, "has_next": False, "has_previous": False,
    }  # fmt: skip
    assert json.loads(say(shop, "task", "list", "-n", "nobody", "--json").out)["tasks"] == []
    odd = say(shop, "task", "list", "--status", "done")
    assert odd.code == 2 and "'done' is no task state; there are pending" in odd.err


def test_cancelling(shop: Workshop) -> None:
    first, second = shop.create(), shop.create(context={"no": 2})
    done = say(shop, "task", "cancel", first, "--reason", "changed her mind")
    assert (done.code, done.out.strip()) == (0, "cancelled")
    assert json.loads(say(shop, "task", "cancel", second, "--json").out) == {"cancelled": True}
    again = say(shop, "task", "cancel", first)
    assert again.code == 1 and f"task {first} is cancelled already" in again.err
    assert say(shop, "task", "wait", first).code == 1
    (said,) = shop.query("select reason from tasker_transitions where to_state = 'cancelled' and no = 0 limit 1")
    assert said == ("changed her mind",)


@pytest.mark.parametrize("verb", ["get", "cancel", "wait"])
def test_tasks_of_nobody(shop: Workshop, verb: str) -> None:
    missing = say(shop, "task", verb, NOBODY)
    assert missing.code == 2 and missing.err.strip() == f"error: there is no task {NOBODY}"
    odd = say(shop, "task", verb, "task-1")
    assert odd.code == 2 and "task_uuid must be a UUID, not 'task-1'" in odd.err


def test_a_task_of_a_template_that_is_not_there(shop: Workshop) -> None:
    done = say(shop, "task", "create", "flwo")
    assert done.code == 2 and "no template 'flwo' in any namespace; did you mean 'flow'?" in done.err
    assert "Traceback" not in done.err


def test_the_version_and_what_is_called_wrongly(shop: Workshop) -> None:
    assert say(shop, "--version").out.strip() == f"tasker {version('tasker-core')}"
    for wrong in (["no-such-command"], ["task", "create"], ["run"], ["task", "list", "--limit", "many"]):
        done = say(shop, *wrong)
        assert done.code == 2 and "Usage: tasker" in done.err and "Traceback" not in done.err
    helped = say(shop, "--help")
    assert helped.code == 0 and all(word in helped.out for word in ("run", "worker", "task", "template"))


def write(path: Path, template: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(template, sort_keys=False))
    return path


def test_templates_that_can_be_used(shop: Workshop) -> None:
    folder = shop.directory / "templates"
    file = write(folder / "flow.yaml", flow({"cart": []}))
    done = say(shop, "template", "validate", file)
    assert (done.code, done.err) == (0, "") and done.out.endswith(f"{file}: ok: shop/flow 1.0.0\n")
    assert say(shop, "template", "validate", folder, "--strict").code == 0


def test_unknown_keys_are_errors_only_when_one_is_strict(shop: Workshop) -> None:
    file = write(shop.directory / "flow.yaml", {**flow({"cart": []}), "ownr": "Ann", "x-owner": "Ann"})
    lenient, strict = say(shop, "template", "validate", file), say(shop, "template", "validate", file, "--strict")
    assert (lenient.code, strict.code) == (0, 1)
    for done in (lenient, strict):
        assert re.search(r"flow\.yaml:\d+: .*ownr", done.out) and "x-owner" not in done.out
    told = json.loads(say(shop, "template", "validate", file, "--strict", "--json").out)
    assert [(answer["file"], answer["valid"], answer["name"]) for answer in told] == [(str(file), False, None)]
    (finding,) = [finding for finding in told[0]["findings"] if finding["level"] == "error"]
    assert finding.keys() == {"level", "code", "message", "file", "line", "path", "suggestion", "code_place"}
    assert finding["line"] == file.read_text().splitlines().index("ownr: Ann") + 1 and "ownr" in finding["message"]


def test_every_wrong_file_is_told_of(shop: Workshop) -> None:
    folder = shop.directory / "templates"
    write(folder / "cycle.yaml", flow({"a": ["c"], "b": ["a"], "c": ["b"]}))
    write(folder / "fine.yaml", flow({"a": []}))
    (folder / "torn.yml").write_text("name: [")
    done = say(shop, "template", "validate", folder)
    assert done.code == 1
    assert re.search(r"cycle\.yaml:\d+: .*a -> .*b -> .*c", done.out), done.out
    assert re.search(r"torn\.yml:1", done.out) and f"{folder / 'fine.yaml'}: ok: shop/flow 1.0.0" in done.out
    assert done.out.count("can't be used") == 2
    told = json.loads(say(shop, "template", "validate", folder, "--json").out)
    assert [answer["valid"] for answer in told] == [False, True, False]


def test_places_without_templates(shop: Workshop) -> None:
    empty = shop.directory / "empty"
    empty.mkdir()
    for place, words in ((empty, "no template files (*.yaml, *.yml) below it"), (empty / "x", "no such file")):
        done = say(shop, "template", "validate", place)
        assert done.code == 2 and words in done.err and done.out == ""


def test_registering(shop: Workshop) -> None:
    file = write(shop.directory / "new.yaml", flow({"cart": []}, name="new"))
    done = say(shop, "template", "register", file)
    assert (done.code, done.out, done.err) == (0, f"{file}: registered shop/new 1.0.0\n", "")
    assert shop.create("new")
    write(file, flow({"cart": [], "pay": ["cart"]}, name="new"))
    refused = tasker("template", "register", file, cwd=shop.directory, url=shop.url, TASKER_ENV="production")
    assert refused.code == 2 and "isn't replaced outside development; raise its version" in refused.err
    assert re.search(r"Differences:\n +.*pay", refused.err)
    write(file, flow({"cart": ["crat"]}, name="new"))
    broken = say(shop, "template", "register", file)
    assert broken.code == 2 and "'crat'" in broken.err and "new.yaml:" in broken.err


def test_of_a_large_batch_what_runs_or_failed_is_shown_and_the_rest_is_counted(workshop: Workshop) -> None:
    class Cut(StepHandler, Batchable):
        handler_name = "cut"

        def call(self, context: StepContext) -> StepHandlerResult:
            return self.batch_analyzer_success(self.create_batch_outcome(120, 1), worker_template_name="part")

    @workshop.handler("part")
    def part(context: StepContext) -> None:
        if context.step_name == "part_117":
            raise PermanentError("no such file")

    workshop.handler_class(Cut)
    workshop.template({"cut": [], "part": ["cut"]}, cut={"type": "batchable"}, part={"type": "batch_worker"})
    workshop.start()
    task = workshop.run()
    shown = say(workshop, "task", "get", task.task_uuid).out
    assert re.search(r"^ *part_117 +error +1 of 3 .* no such file", shown, re.MULTILINE)
    assert len(re.findall(r"^ *part_\d+ ", shown, re.MULTILINE)) == 50
    assert "... and 70 more of its batches" in shown
    told = json.loads(say(workshop, "task", "get", task.task_uuid, "--json").out)
    assert len(told["steps"]) == 121
