"""What tasks are given, what handlers return and what errors say stays in the store."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.otlp import receiver
from tests.support.workshop import Background, Workshop, flow, tasker

TALKERS = "tests.support.workshop.talkers"
SECRET = "4111-1111-1111-1111"
AFTER_ONE = {"retry": {"max_attempts": 1}}
FLOWS: dict[str, tuple[dict[str, list[str]], dict[str, Any]]] = {
    "well": ({"say": [], "say_async": ["say"], "stumble": ["say_async"]}, {}),
    "burst": ({"burst": []}, {"burst": AFTER_ONE}),
    "order": ({"refuse_order": []}, {}),
    "give_up": ({"give_up": []}, {}),
    "nonsense": ({"return_nonsense": []}, {}),
    "too_much": ({"return_too_much": []}, {}),
    "leave": ({"leave": []}, {"leave": AFTER_ONE}),
    "oversleep": ({"oversleep": []}, {"oversleep": {"timeout_seconds": 0.1, **AFTER_ONE}}),
    "nobody": ({"unknown_handler": []}, {}),
}  # fmt: skip


def start(workshop: Workshop, command: str, *arguments: str, **more: str) -> Background:
    """``tasker`` in the background, its output in a file of its own."""
    log = workshop.directory / f"{command}.log"
    return Background(command, *arguments, log=log, url=workshop.url, cwd=workshop.directory, **more)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_of_it_is_in_logs_spans_or_metrics(workshop: Workshop, log_format: str) -> None:
    for name, (graph, steps) in FLOWS.items():
        workshop.template(graph, name=name, **steps)
    context = {"secret": SECRET, f"key {SECRET}": [SECRET, f"\x00{SECRET}\ud83d"[:-1]]}
    with receiver() as received:
        more = {
            "LOG_LEVEL": "DEBUG", "TASKER_LOG_FORMAT": log_format, "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
            "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default",
        }  # fmt: skip
        with (
            start(workshop, "server", "--port", "0", **more) as server,
            start(workshop, "worker", "--handlers", TALKERS, "--metrics-port", "0", **more) as worker,
        ):
            worker.await_line("serves")
            server.await_line("server listens")
            url = re.findall(r"http://\S+", server.output())[-1]
            tasks = {}
            for name in FLOWS:
                wish: dict[str, Any] = {"name": name, "namespace": "shop", "context": context}
                answer = httpx.post(f"{url}/v1/tasks", json=wish, timeout=20)
                assert answer.status_code == 201, answer.text
                tasks[name] = answer.json()["task_uuid"]
            again = httpx.post(f"{url}/v1/tasks", json=wish | {"priority": SECRET, "tags": SECRET}, timeout=20)
            assert again.status_code in (400, 422)
            states = {name: workshop.finish(task).status for name, task in tasks.items() if name != "nobody"}
            assert states.pop("well") == "complete" and set(states.values()) == {"blocked_by_failures"}
            kept = str([workshop.client.list_task_steps(task) for task in tasks.values()])
            assert kept.count(SECRET) >= 5, "the store keeps what happened"
            workshop.client.cancel_task(tasks["nobody"])
            scraped = httpx.get(re.findall(r"figures at (\S+)", worker.output())[0], timeout=20).text
            scraped += httpx.get(f"{url}/metrics", timeout=20).text
            for process in (worker, server):
                process.signal(signal.SIGTERM)
                process.wait()
            told = worker.output() + server.output()
    assert "attempt 1 of 1 of step burst failed" in told
    assert {span.name for span in received.spans} >= {"create well", "step say", "attempt say", "attempt burst"}
    assert "tasker_steps_failures_total" in scraped
    for text in (told, scraped, received.raw.decode("utf-8", "replace")):
        assert [line for line in text.splitlines() if SECRET in line] == []


def test_one_trace_over_a_server_and_a_worker_process(workshop: Workshop) -> None:
    workshop.template({"say": [], "stumble": ["say"]})
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with receiver() as received:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url}
        with (
            start(workshop, "server", "--port", "0", **more) as server,
            start(workshop, "worker", "--handlers", TALKERS, **more) as worker,
        ):
            worker.await_line("serves")
            server.await_line("server listens")
            url = re.findall(r"http://\S+", server.output())[-1]
            wish = {"name": "flow", "namespace": "shop", "context": {"secret": "x"}}
            answer = httpx.post(f"{url}/v1/tasks", json=wish, headers={"traceparent": caller}, timeout=20)
            assert workshop.finish(answer.json()["task_uuid"]).status == "complete"
            for process in (worker, server):
                process.signal(signal.SIGTERM)
                assert process.wait() == 0
    assert {span.trace_id for span in received.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    create, say, stumble = (
        next(span for span in received.spans if span.name == name)
        for name in ("create flow", "step say", "step stumble")
    )
    assert create.service == "tasker-server"
    # The web framework may have spans of its own in between.
    above = create
    parents = {span.span_id: span for span in received.spans}
    while above.parent_id in parents:
        above = parents[above.parent_id]
    assert above.parent_id == "b7ad6b7169203331"
    assert {step.parent_id for step in (say, stumble)} == {create.span_id}
    attempts = [(span.name, span.parent_id) for span in received.spans if span.name.startswith("attempt")]
    assert sorted(attempts) == sorted([("attempt say", say.span_id), *[("attempt stumble", stumble.span_id)] * 2])
    assert {span.service for span in received.spans if span.name.startswith("attempt")} == {"tasker-worker"}


def test_spans_that_cant_be_sent_do_no_harm(workshop: Workshop) -> None:
    workshop.template({"say": []})
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with start(workshop, "worker", "--handlers", TALKERS, **more) as worker:
        worker.await_line("serves")
        assert workshop.run(context={"secret": "x"}).status == "complete"
        worker.signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_a_run_command_sends_its_spans_and_is_quiet_about_it_too(workshop: Workshop) -> None:
    template = workshop.directory / "flow.json"
    template.write_text(json.dumps(flow({"burst": []}, burst=AFTER_ONE)))
    said = json.dumps({"secret": SECRET})
    with receiver() as received:
        done = tasker(
            "--verbose", "run", template, "--handlers", TALKERS, "--input", said, "--log-format", "json",
            url=workshop.url, cwd=workshop.directory, OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
        )  # fmt: skip
    assert done.code == 1
    logged = [line for line in done.err.splitlines() if line.startswith("{")]
    assert any("failed: handler_error" in json.loads(line)["message"] for line in logged)
    assert not any(SECRET in line for line in logged)
    assert {span.name for span in received.spans} >= {"create flow", "step burst", "attempt burst"}
    assert {span.service for span in received.spans} == {"tasker-run"}
    assert SECRET.encode() not in received.raw


def test_what_a_newcomer_starts_logs_and_sends_spans_as_configured(sqlite_url: str, tmp_path: Path) -> None:
    template = tmp_path / "config/tasks/flow.yaml"
    template.parent.mkdir(parents=True)
    template.write_text(json.dumps(flow({"say": [], "burst": ["say"]}, burst=AFTER_ONE)))
    with receiver() as received:
        more = {
            "LOG_LEVEL": "DEBUG", "TASKER_LOG_FORMAT": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": received.url
        }  # fmt: skip
        arguments = ("dev", "--handlers", TALKERS, "--port", "0")
        with Background(*arguments, log=tmp_path / "log", url=sqlite_url, cwd=tmp_path, **more) as dev:
            dev.await_line("Ctrl-C ends")
            (url,) = re.findall(r"Tasker serves (http://\S+):", dev.output())
            wish = {"name": "flow", "namespace": "shop", "context": {"secret": SECRET}}
            task = httpx.post(f"{url}/v1/tasks", json=wish, timeout=20).json()["task_uuid"]
            done = httpx.get(f"{url}/v1/tasks/{task}", params={"wait_ms": 20_000}, timeout=30).json()
            assert done["status"] == "blocked_by_failures"
            dev.signal(signal.SIGINT)
            dev.wait()
    told = [json.loads(line) for line in dev.output().splitlines() if line.startswith("{")]
    assert any(line.get("task_uuid") == task and line.get("step") == "burst" for line in told)
    assert {span.service for span in received.spans} == {"tasker-dev"}
    assert {span.name for span in received.spans} >= {"create flow", "step say", "attempt burst"}
    assert SECRET not in dev.output() and SECRET.encode() not in received.raw
