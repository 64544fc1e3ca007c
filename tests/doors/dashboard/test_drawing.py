"""What is drawn: boxes that don't overlap, edges that lead from box to box, names that are whole."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasker_core.drawing.graph import CHARACTER, graph_of_task, graph_of_template
from tasker_core.drawing.layout import lay_out
from tasker_core.drawing.waterfall import waterfall
from tests.doors.dashboard.conftest import Shown
from tests.support.flows import flow


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    count = draw(st.integers(1, 30))
    sizes = [(float(draw(st.integers(40, 300))), 44.0) for _ in range(count)]
    pairs = [(parent, child) for child in range(count) for parent in range(child)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=60)) if pairs else []
    return sizes, edges


@given(drawings())
def test_no_box_stands_on_another_and_each_stands_behind_its_parents(
    drawing: tuple[list[tuple[float, float]], list[tuple[int, int]]],
) -> None:
    sizes, edges = drawing
    laid = lay_out(sizes, edges)
    for at, one in enumerate(laid.boxes):
        assert (
            one.x >= 0
            and one.y >= -1e-6
            and one.x + one.width <= laid.width
            and one.y + one.height <= laid.height + 1e-6
        )
        for other in laid.boxes[at + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height < other.y + 1e-6 or other.y + other.height < one.y + 1e-6
    for parent, child in edges:
        points = laid.routes[parent, child]
        before, after = laid.boxes[parent], laid.boxes[child]
        assert before.x + before.width < after.x
        assert points[0] == (before.x + before.width, before.y + before.height / 2)
        assert points[-1] == (after.x, after.y + after.height / 2)
        assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_a_chain_is_drawn_as_a_straight_line() -> None:
    laid = lay_out([(100, 44)] * 6, [(at, at + 1) for at in range(5)])
    assert {box.y for box in laid.boxes} == {0.0}


def test_a_box_has_room_for_its_whole_name() -> None:
    name = "x" * 128
    steps = [{"name": name, "step_type": "standard", "handler": "h", "dependencies": []}]
    (node,) = graph_of_template(steps).nodes
    assert node.name == name and node.box.width > 128 * CHARACTER


def test_a_few_instances_of_a_batch_are_boxes_and_many_are_one() -> None:
    few, many = (graph_of_task(_summary(count)) for count in (8, 9))
    assert (len(few.nodes), len(few.edges)) == (10, 16)
    assert (len(many.nodes), len(many.edges)) == (3, 2)
    assert [node.count for node in many.nodes] == [1, 9, 1] and many.nodes[1].said == "9 waiting"


def test_a_waterfall_tells_waiting_running_failing_and_backoff_apart(shown: Shown) -> None:
    engine, task = shown.served.engine, shown.stage.tasks["retrying"]
    fall = waterfall(engine.views.steps(task), "2100-01-01T00:00:00Z")
    rows = {row.name: [bar.kind for bar in row.bars] for row in fall.rows}
    assert rows["validate_cart"] == ["waiting", "running"]
    assert rows["process_payment"] == ["waiting", "failed", "backoff"]
    assert rows["create_order"] == []
    assert all(0 <= bar.x <= 1_000 and bar.x + bar.width <= 1_002 for row in fall.rows for bar in row.bars)


def test_five_thousand_steps_are_a_page_of_less_than_three_megabytes(shown: Shown) -> None:
    middle = [f"step_{no:04}" for no in range(4_998)]
    wide = {"first": [], **{name: ["first"] for name in middle}, "last": middle}
    shown.served.engine.catalog.register(flow(wide, name="wide", namespace="wide"), replace=False)
    task = shown.stage.create("wide")
    for view in ("graph", "waterfall"):
        answer = shown.reader.http.get(f"/tasks/{task}?view={view}")
        assert answer.status_code == 200 and len(answer.content) < 3_000_000, view
        if view == "graph":
            assert answer.text.count('class="box"') == 5_000 and "step_4997" in answer.text


def _summary(instances: int) -> dict[str, Any]:
    def step(name: str, parents: list[str], index: int | None = None, template: str | None = None) -> dict[str, Any]:
        return {
            "step_uuid": name, "name": name, "template_step": template or name, "compensates": None,
            "batch_index": index,
            "dependencies": parents, "current_state": "pending", "attempts": 0, "max_attempts": 3, "error": None,
        }  # fmt: skip

    pieces = [f"count_{no}" for no in range(instances)]
    declared = [
        ("cut", "batchable", []),
        ("count", "batch_worker", ["cut"]),
        ("add", "deferred_convergence", ["count"]),
    ]
    return {
        "template": {"steps": [{"name": n, "step_type": t, "dependencies": d} for n, t, d in declared]},
        "steps": [
            step("cut", []), *(step(name, ["cut"], at, "count") for at, name in enumerate(pieces)), step("add", pieces)
        ],
    }  # fmt: skip
