"""Which lanes are asked first, and that a flooded namespace can't starve another."""

from __future__ import annotations

import pytest

from tasker_core import TaskerClient, Worker
from tasker_core.rules.rank import POINT, rank
from tasker_core.worker.lanes import Lanes
from tests.support.workshop import Workshop

NOW = 1_800_000_000_000_000


def turns(lanes: Lanes, count: int) -> list[str]:
    """The namespaces that get one step after another while all keep waiting."""
    taken = []
    for _ in range(count):
        first = lanes.order()[0]
        lanes.took({first: 1})
        taken.append(first.partition("/")[0])
    return taken


def test_priority_goes_before_age_and_before_turns() -> None:
    lanes = Lanes(["a/x", "b/x"])
    lanes.expect("a/x", rank(0, NOW))
    lanes.expect("b/x", rank(5, NOW + 60_000_000))
    lanes.took({"b/x": 100})
    assert lanes.order() == ["b/x", "a/x"]


def test_what_has_waited_long_takes_turns_with_what_is_urgent() -> None:
    """Ageing: a stream of urgent tasks in one namespace doesn't have those of another wait for ever."""
    lanes = Lanes(["a/x", "b/x"])
    lanes.expect("b/x", rank(0, NOW))
    for minutes, expected in ((49, 0), (51, 10)):
        lanes.expect("a/x", rank(5, NOW + minutes * 60_000_000))
        assert turns(lanes, 20).count("b") == expected
        lanes.emptied(["a/x"])
    assert POINT == 600_000_000


def test_namespaces_take_turns_by_their_weight() -> None:
    lanes = Lanes(["a/x", "b/x"], {"a": 3})
    lanes.expect("a/x", rank(0, NOW))
    lanes.expect("b/x", rank(0, NOW + 1_000_000))
    taken = turns(lanes, 400)
    assert abs(taken.count("a") - 300) <= 2
    assert max(len(run) for run in "".join(taken).split("b")) <= 4, "no namespace waits for long"


def test_a_newcomer_starts_level_with_the_others() -> None:
    lanes = Lanes(["a/x", "b/x"])
    lanes.expect("a/x", rank(0, NOW))
    turns(lanes, 1_000)
    lanes.expect("b/x", rank(0, NOW))
    assert 9 <= turns(lanes, 20).count("a") <= 11, "what a namespace didn't use it doesn't get back"


def test_namespaces_share_a_worker_as_long_as_several_have_steps_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    lanes = Lanes(["a/x", "a/y", "b/x"])
    told = []
    for later, lane in ((0.0, "a/x"), (0.0, "a/y"), (0.0, "b/x"), (0.9, "a/x"), (0.2, "a/x")):
        now += later
        lanes.took({lane: 1})
        told.append(lanes.are_shared)
    assert told == [False, False, True, True, False]


def test_a_weight_must_be_more_than_nothing(sqlite_url: str) -> None:
    with pytest.raises(ValueError, match=r"weights must be a number above 0 for each namespace, not \{'shop': 0"):
        Worker.start(database_url=sqlite_url, weights={"shop": 0})


def test_a_quiet_namespace_is_served_while_another_is_flooded(workshop: Workshop) -> None:
    steps = [{"name": "only", "handler": {"callable": "noted"}}]
    workshop.handler("noted")(lambda: None)
    with TaskerClient(database_url=workshop.url) as client:
        for name in ("flood", "quiet"):
            client.register_template({"name": name, "namespace_name": name, "version": "1.0.0", "steps": steps})
        client.create_tasks([{"name": "flood", "namespace": "flood", "context": {"no": no}} for no in range(3_000)])
        workshop.start(concurrency=1)
        mine = client.create_task("quiet", namespace="quiet")
        client.wait(mine.task_uuid, timeout=60)
        left = client.list_tasks(namespace="flood", status="steps_in_process", limit=1).pagination.total_count
    assert left > 1_000, "the quiet task didn't wait for the flood to end"


def test_what_comes_for_a_quiet_namespace_does_not_wait_behind_much(workshop: Workshop) -> None:
    one = [{"name": "only", "handler": {"callable": "noted"}}]
    chain = [
        {"name": f"s{no}", "handler": {"callable": "noted"}, "dependencies": [f"s{no - 1}"]} for no in range(1, 20)
    ]
    workshop.handler("noted")(lambda: None)
    with TaskerClient(database_url=workshop.url) as client:

        def flood_done() -> int:
            return client.list_tasks(namespace="flood", status="complete", limit=1).pagination.total_count

        for name, steps in (("flood", one), ("quiet", [one[0] | {"name": "s0"}, *chain])):
            client.register_template({"name": name, "namespace_name": name, "version": "1.0.0", "steps": steps})
        client.create_tasks([{"name": "flood", "namespace": "flood", "context": {"no": no}} for no in range(8_000)])
        workshop.start(concurrency=1)
        mine = client.create_task("quiet", namespace="quiet")
        before = flood_done()
        client.wait(mine.task_uuid, timeout=60)
        meanwhile = flood_done() - before
    assert meanwhile < 20 * 150, "as many steps as lie ready, in one turn or two of each of its own steps"
