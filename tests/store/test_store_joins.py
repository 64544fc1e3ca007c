"""Joins: however their parents finish, in whatever order, batch a join is readied once and never too soon."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasker_core.rules.states import task_state
from tasker_core.store import Store
from tasker_core.words import StepState
from tests.support.graphs import Graph, Held, Stage, complete, fail, hand_back, orphans, tables

SAME_STORE = [HealthCheck.function_scoped_fixture]


chances = st.integers(0, 2**32).map(random.Random)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to nine steps, each waiting for any of those before it."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 9)))]
    parents = [sorted(draw(st.sets(st.sampled_from(names[:n]), max_size=4))) if n else [] for n in range(len(names))]
    return dict(zip(names, parents, strict=True))


# I3. Seen to fail with `s.waits = c.n` and the recomputation behind it replaced by true in free_children.
@settings(max_examples=80, suppress_health_check=SAME_STORE)
@given(graph=graphs(), chance=chances)
def test_any_graph_runs_to_its_end_in_any_order(stage: Stage, graph: Graph, chance: random.Random) -> None:
    task = stage.task(stage.template(graph, name="any", lane="shop/any"))
    done: set[str] = set()
    held: list[Held] = []
    settled: list[Held] = []
    while len(done) < len(graph):
        held += stage.claim("shop/any")
        ready = {name for name, parents in graph.items() if name not in done and done >= set(parents)}
        assert {one.name for one in held} == ready, "ready are those whose parents are done, and only those"
        chance.shuffle(held)
        size = chance.randint(1, len(held))
        batch, held = held[:size], held[size:]
        back = [one for one in batch if chance.random() < 0.2]
        again = chance.sample(settled, min(2, len(settled)))
        rulings = [hand_back(one) if one in back else complete(one) for one in batch]
        done_now = stage.settle(*rulings, *map(complete, again))
        assert done_now.applied == {one.key for one in batch}
        settled += batch
        done |= {one.name for one in batch if one not in back}
        states = stage.steps(task)
        assert {name for name, state in states.items() if state == "complete"} == done
        assert stage.state(task) == task_state([StepState(state) for state in states.values()])
    assert stage.state(task) == "complete"
    assert len(stage.store.tasks.attempts(task)) == len(settled)


@settings(max_examples=40, suppress_health_check=SAME_STORE)
@given(graph=graphs(), chance=chances)
def test_what_depends_on_a_failure_never_starts_and_the_rest_goes_on(
    stage: Stage, graph: Graph, chance: random.Random
) -> None:  # fmt: skip
    task = stage.task(stage.template(graph, name="any", lane="shop/any"))
    doomed = chance.choice(list(graph))
    while held := stage.claim("shop/any"):
        stage.settle(*(fail(one) if one.name == doomed else complete(one) for one in held))
    behind = {doomed}
    for name, parents in graph.items():
        if behind & set(parents):
            behind.add(name)
    expected = {name: "pending" if name in behind else "complete" for name in graph} | {doomed: "error"}
    assert stage.steps(task) == expected
    assert stage.state(task) == "blocked_by_failures"


# I2, I3. On SQLite seen to fail with `begin immediate` made `begin`; on PostgreSQL with lock_tasks taken out.
@pytest.mark.parametrize(("parents", "together"), [(2, 1), (2, 20), (8, 10)])
def test_racing_settlers_lose_no_join_and_ready_none_twice(
    stage: Stage, another_store: Callable[[], Store], parents: int, together: int
) -> None:  # fmt: skip
    """Two sides finish the parents of the same joins at the same instant, in the opposite order, some of them both."""
    graph: dict[str, list[str]] = {f"p{n}": [] for n in range(parents)}
    graph["join"] = list(graph)
    shape = stage.template(graph)
    tasks = stage.tasks(shape, 200 if together > 1 else 60)
    by_task: dict[int, list[Held]] = {}
    for held in stage.claim(*shape.lanes[:-1]):
        by_task.setdefault(held.row.task_id, []).append(held)
    rounds = [tasks[n : n + together] for n in range(0, len(tasks), together)]
    start = Barrier(2, timeout=30)

    def settle(side: int) -> int:
        store, applied = another_store() if side else stage.store, 0
        try:
            for n, joins in enumerate(rounds):
                mine = [held for task in joins for held in by_task[task][side if n % 3 else 0 :: 2 if n % 3 else 1]]
                start.wait()
                done = stage.settle(*map(complete, mine[:: -1 if side else 1]), store=store)
                applied += len(done.applied)
        except BaseException:
            start.abort()
            raise
        return applied

    with ThreadPoolExecutor(2) as pool:
        applied = sum(pool.map(settle, range(2)))

    assert applied == len(tasks) * parents, "each parent was settled by exactly one side"
    readied = stage.claim("shop/join")
    assert sorted(held.row.task_id for held in readied) == sorted(tasks)
    assert stage.claim("shop/join") == []
    assert stage.settle(*map(complete, readied)).rested == dict.fromkeys(tasks, "complete")
    assert len(tables(stage.store, "attempts")["attempts"]) == len(tasks) * (parents + 1)
    assert {row.waits for task in tasks for row in stage.store.tasks.steps([task])[0][task]} == {0}


@pytest.mark.parametrize("batch", [1, 200])
def test_a_wide_fan_out_and_its_join(stage: Stage, batch: int) -> None:
    width = 60 if batch == 1 else 1_000
    graph: dict[str, list[str]] = {"start": [], **{f"w{n}": ["start"] for n in range(width)}}
    graph["join"] = [f"w{n}" for n in range(width)]
    task = stage.task(stage.template(graph, lane="shop/wide"))
    stage.settle(*map(complete, stage.claim("shop/wide")))
    held = stage.claim("shop/wide")
    assert len(held) == width
    random.Random(7).shuffle(held)
    for n in range(0, width, batch):
        assert stage.steps(task)["join"] == "pending"
        stage.settle(*map(complete, held[n : n + batch]))
    (join,) = stage.claim("shop/wide")
    assert join.name == "join"
    assert stage.settle(complete(join)).rested == {task: "complete"}
    assert set(orphans(stage.store).values()) == {0}


def test_all_parents_of_a_join_in_one_batch_ready_it_once(stage: Stage) -> None:
    graph = {"a": [], "b": [], "c": [], "join": ["a", "b", "c"], "after": ["join", "a"]}
    task = stage.task(stage.template(graph))
    stage.settle(*map(complete, stage.claim("shop/a", "shop/b", "shop/c")))
    assert stage.steps(task)["join"] == "enqueued"
    assert stage.steps(task)["after"] == "pending"
    stage.settle(*map(complete, stage.claim("shop/join")))
    assert stage.steps(task)["after"] == "enqueued"


def test_a_retry_of_one_parent_holds_the_join(stage: Stage) -> None:
    task = stage.task(stage.template({"a": [], "b": [], "join": ["a", "b"]}))
    one, other = stage.claim("shop/a", "shop/b")
    stage.settle(stage.retry(one, 0), complete(other))
    assert stage.steps(task) == {"a": "waiting_for_retry", "b": "complete", "join": "pending"}
    stage.enqueue_due()
    (again,) = stage.claim("shop/a")
    stage.settle(complete(again))
    assert stage.steps(task)["join"] == "enqueued"
