"""Figures of real processes, as Prometheus sees them."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tasker_core.engine.open import close_engine, open_engine
from tasker_core.metrics import Collector
from tasker_core.store import open_database
from tasker_core.telemetry import metrics
from tasker_core.words import Word
from tests.support.flows import Hands, flow, wish
from tests.support.served import served
from tests.support.workshop import Background, Workshop, eventually

TALKERS = "tests.support.workshop.talkers"
REFERENCE = Path(__file__).parents[2] / "docs/reference/metrics.md"

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def figures(text: str) -> Figures:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def figure(found: Figures, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def summed(found: Figures, name: str, **labels: str) -> float:
    """Over all series that have these labels."""
    return sum(value for (of, own), value in found.items() if of == name and own >= labels.items())


def scraped(url: str) -> Figures:
    answer = httpx.get(url, timeout=20)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return figures(answer.text)


def of_this_process(url: str) -> Figures:
    registry = CollectorRegistry()
    collector = Collector(url)
    registry.register(collector)
    with closing(collector):
        return figures(generate_latest(registry).decode())


def test_a_worker_process_tells_what_it_did(workshop: Workshop) -> None:
    workshop.template(
        {"say": [], "stumble": ["say"], "burst": ["stumble"]}, burst={"retry": {"max_attempts": 1}}
    )  # fmt: skip
    workshop.template({"oversleep": []}, name="slow", oversleep={"timeout_seconds": 0.1, "retry": {"max_attempts": 1}})
    workshop.template({"say": [], "say_async": ["say"]}, name="well")
    arguments = ["worker", "--handlers", TALKERS, "--metrics-port", "0", "--name", "scraped"]
    with Background(*arguments, log=workshop.directory / "log", url=workshop.url, cwd=workshop.directory) as worker:
        worker.await_line("serves")
        url = re.findall(r"figures at (\S+)", worker.output())[0]
        tasks = [workshop.create(context={"secret": "x", "no": no}) for no in range(2)]
        tasks += [workshop.create(name, {"secret": "x"}) for name in ("slow", "well")]
        assert [workshop.finish(task).status for task in tasks] == ["blocked_by_failures"] * 3 + ["complete"]
        eventually(lambda: summed(scraped(url), "tasker_step_execution_duration_seconds_count", result_type="refused"))
        found = scraped(url)
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0

    shop = {"namespace": "shop"}
    assert summed(found, "tasker_steps_claimed_total", **shop) == 11
    assert figure(found, "tasker_steps_retries_total") == 2
    assert figure(found, "tasker_steps_executions_total", handler="stumble", **shop) == 4
    assert figure(found, "tasker_steps_successes_total", handler="stumble", **shop) == 2
    failures = {
        (labels["handler"], labels["error_type"]): value
        for labels, value in (
            (dict(own), v) for (name, own), v in found.items() if name == "tasker_steps_failures_total"
        )
    }
    assert failures == {
        ("stumble", "retryable_error"): 2, ("burst", "handler_error"): 2, ("oversleep", "timeout"): 1
    }  # fmt: skip
    assert figure(found, "tasker_steps_timeouts_total") == 1
    assert figure(found, "tasker_steps_results_submitted_total") == 11
    took = "tasker_step_execution_duration_seconds"
    slept = {"handler": "oversleep", "result_type": "refused", **shop}
    assert figure(found, f"{took}_count", **slept) == 1 and figure(found, f"{took}_sum", **slept) >= 0.5
    assert figure(found, f"{took}_bucket", le="0.25", **slept) == 0
    assert figure(found, f"{took}_bucket", le="+Inf", **slept) == 1

    settled = "tasker_steps_results_processed_total"
    assert figure(found, settled, result_type="ok", to_state="complete") == 6
    assert figure(found, settled, result_type="failed", to_state="waiting_for_retry") == 2
    assert figure(found, settled, result_type="failed", to_state="error") == 2
    assert figure(found, settled, result_type="timed_out", to_state="error") == 1
    assert figure(found, "tasker_tasks_failures_total", task_type="flow", **shop) == 2
    assert figure(found, "tasker_tasks_completions_total", task_type="well", **shop) == 1
    assert figure(found, "tasker_task_completion_duration_seconds_count", task_type="well", **shop) == 1
    assert 0 < figure(found, "tasker_task_completion_duration_seconds_sum", task_type="well", **shop) < 60
    moved = "tasker_task_state_transitions_total"
    assert figure(found, moved, to_state="complete") == 1
    assert figure(found, moved, to_state="blocked_by_failures") == 3
    assert figure(found, moved, to_state="waiting_for_retry") == 2
    assert figure(found, moved, to_state="steps_in_process") == 2, "when their retries were due"

    assert figure(found, "tasker_database_up") == 1
    assert figure(found, "tasker_tasks_active", state="blocked_by_failures") == 3
    assert figure(found, "tasker_workers_alive", state="live") == 1
    assert figure(found, "tasker_worker_slots") == 10
    assert summed(found, "tasker_worker_info") == 1
    assert figure(found, "tasker_worker_uptime_seconds") > 0
    assert summed(found, "process_resident_memory_bytes") > 0


def test_a_server_tells_what_waits(workshop: Workshop) -> None:
    workshop.template({"pay": [], "ship": ["pay"]})
    with served(workshop.url) as api:
        before = scraped(f"{api.url}/metrics")
        assert figure(before, "tasker_database_up") == 1 and summed(before, "tasker_queue_depth") == 0
        for no in range(3):
            api.create("flow", context={"no": no})
        api.post("/v1/tasks", {"name": "flow", "namespace": "shop", "context": {"no": 0}}, 409)
        requested = {"namespace": "shop", "task_type": "flow"}
        eventually(lambda: summed(scraped(f"{api.url}/metrics"), "tasker_queue_depth"))
        after = scraped(f"{api.url}/metrics")
    assert figure(after, "tasker_queue_depth", namespace="shop", handler="pay") == 3
    assert 0 < figure(after, "tasker_queue_oldest_message_age_seconds", namespace="shop", handler="pay") < 60
    assert figure(after, "tasker_tasks_active", state="steps_in_process") == 3
    assert _risen(before, after, "tasker_tasks_requests_total", **requested) == 4
    assert _risen(before, after, "tasker_task_state_transitions_total", to_state="steps_in_process") == 3
    assert _risen(before, after, "tasker_task_initialization_duration_seconds_count") == 3
    assert summed(after, "tasker_api_requests_total", status="409") == 1


def test_it_tells_what_limits_and_breakers_hold_back(each_database_url: str) -> None:
    with closing(open_database(each_database_url)) as database:
        database.migrate()
    engine = open_engine(each_database_url)
    try:
        templates: dict[str, dict[str, Any]] = {
            "pay": {"concurrency": 1}, "post": {"rate": "2/h"}, "sort": {"concurrency": {"key": "who"}}, "call": {},
        }  # fmt: skip
        for name, limits in templates.items():
            engine.catalog.register(flow({name: []}, name=name, **limits), replace=False)
            engine.create([wish(engine, name=name, context={"who": "ann", "n": n}) for n in range(5)])
        engine.limits.set_breaker("shop/call", "open", Word("ann", "it is down"))
        hands = Hands(engine)
        for _ in range(2):
            hands.claim_all(20)
        registry = CollectorRegistry()
        registry.register(Collector(engine=engine))
        found = figures(generate_latest(registry).decode())
    finally:
        close_engine(engine)
    held = {
        (dict(labels)["handler"], dict(labels)["limit"]): value
        for (name, labels), value in found.items()
        if name == "tasker_steps_held_by_limit"
    }
    wanted = {("pay", "concurrency"): 4, ("post", "rate"): 3, ("sort", "per_key"): 4, ("call", "breaker"): 5}
    assert held == wanted
    assert figure(found, "tasker_breaker_not_closed", namespace="shop", handler="call", state="open") == 1


def test_a_database_that_fails_takes_no_other_figures_along(sqlite_path: Path, sqlite_url: str) -> None:
    with closing(open_database(sqlite_url)) as database:
        database.migrate()
    collector = Collector(sqlite_url)
    registry = CollectorRegistry()
    registry.register(collector)
    sqlite_path.write_bytes(b"this is no database" * 1_000)
    with closing(collector):
        found = figures(generate_latest(registry).decode())
    assert figure(found, "tasker_database_up") == 0
    assert not any(name.startswith("tasker_queue") for name, _ in found)
    assert figure(found, "tasker_leases_lost_total") >= 0, "it is there; how many were lost is up to the tests before"


def _risen(before: Figures, after: Figures, name: str, **labels: str) -> float:
    return summed(after, name, **labels) - summed(before, name, **labels)


def test_the_reference_lists_every_metric_as_the_code_has_it() -> None:
    listed: Mapping[str, tuple[str, str]] = {
        name: (kind, labels) for name, kind, labels in re.findall(
            r"^\| `(tasker_\w+)` \| (\w+) \| (.*?) \|", REFERENCE.read_text("utf-8"), re.M
        )
    }  # fmt: skip
    measures = (*metrics.COUNTED, *metrics.DERIVED, *metrics.LOOKED_UP, *metrics.OF_THE_WORKER)
    own = {m.published: (m.kind, ", ".join(f"`{label}`" for label in m.labels)) for m in measures}
    assert {
        name: of for name, of in listed.items() if not name.startswith(("tasker_api", "tasker_orchestration"))
    } == own


def test_names_are_unique_and_as_prometheus_wants_them() -> None:
    measures = (*metrics.COUNTED, *metrics.DERIVED, *metrics.LOOKED_UP, *metrics.OF_THE_WORKER)
    names = [measure.published for measure in measures]
    assert len(set(names)) == len(names)
    for measure in measures:
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", measure.published)
        assert measure.published.endswith("_total") == (measure.kind == "counter"), measure.published
        assert measure.description[0].isupper() or measure.description[0] == "1"


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram"])
def test_what_is_collected_was_described(sqlite_url: str, kind: str) -> None:
    collector = Collector(sqlite_url)
    with closing(collector):
        described = {family.name for family in collector.describe() if family.type == kind}
        assert {family.name for family in collector.collect() if family.type == kind} <= described
