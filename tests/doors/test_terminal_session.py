"""A session at a real terminal: what a person sees there is coloured and moves, and what is piped is plain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tasker_core import PermanentError, StepContext
from tests.support.workshop import Workshop, flow, tasker
from tests.support.workshop.terminals import Terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
GRAPH = {"cart": [], "pay": ["cart"], "pick": ["cart"], "ship": ["pay", "pick"]}
REFUSED = {"decline": True}


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.handler("cart")(lambda: workshop.gate.wait(60))
    workshop.handler("pick")(lambda: {"picked": 3})
    workshop.handler("ship")(lambda: {"shipped": True})

    @workshop.handler("pay")
    def pay(context: StepContext) -> dict[str, bool]:
        if context.get_input("decline"):
            raise PermanentError("the card was declined")
        return {"paid": True}

    return workshop


@pytest.fixture
def terminal(shop: Workshop) -> Iterator[Terminal]:
    with Terminal(shop.directory, shop.url) as terminal:
        yield terminal


def test_a_session_from_the_template_to_the_end_of_a_task(shop: Workshop, terminal: Terminal) -> None:
    file = shop.directory / "flow.yaml"
    file.write_text(yaml.safe_dump(flow(GRAPH), sort_keys=False))
    assert terminal.run("template", "visualize", file) == 0
    assert "○ cart  cart\n├─ ○ pay  pay\n└─ ○ pick  pick\n   └─ ○ ship  ship  after pay" in terminal.text
    assert terminal.run("template", "register", file) == 0 and "registered shop/flow 1.0.0" in terminal.text
    assert terminal.run("template", "list") == 0 and re.search(r"shop/flow +1\.0\.0 +4", terminal.text)
    assert terminal.run("task", "create", "flow", "-n", "shop", "--input", json.dumps(REFUSED)) == 0
    task = terminal.text.strip()
    assert terminal.run("task", "explain", task) == 0 and "no live worker" in terminal.text
    worker = shop.start()
    assert terminal.run("worker", "list") == 0 and re.search(rf"{worker.worker_id} +\S+ +live", terminal.text)

    terminal.begin("task", "watch", task)
    terminal.await_text("▶ cart  running")
    terminal.await_text("· ship  waiting")
    assert "complete" not in terminal.text, "it was shown while it ran"
    shop.gate.set()
    terminal.await_text("✗ pay  permanent_error")
    assert terminal.end() == 1
    assert terminal.text.count("cart") > 2, "the tree was drawn again and again"
    last = terminal.text[terminal.text.rindex("shop/flow") :]
    assert "blocked_by_failures" in last and re.search(r"✓ cart  done  \d", last) and "✓ pick  done" in last
    assert COLOUR.search(terminal.seen)

    assert terminal.run("step", "get", task, "pay") == 0 and "the card was declined" in terminal.text
    assert terminal.run("step", "resolve", task, "pay", "--reason", "paid in cash") == 0
    assert terminal.run("task", "watch", task) == 0 and "✓ ship  done" in terminal.text
    assert terminal.run("task", "audit", task) == 0
    told = [line.split() for line in terminal.text.splitlines() if "resolved_manually" in line]
    assert any("pay" in line and "cash" in line for line in told), terminal.text


def test_what_is_piped_is_plain_and_each_change_is_a_line(shop: Workshop) -> None:
    shop.template(GRAPH)
    task = shop.create()
    shop.gate.set()
    shop.start()
    shop.finish(task)

    def say(*arguments: str) -> tuple[int, str]:
        done = tasker(*arguments, cwd=shop.directory, url=shop.url, TERM="xterm-256color")
        assert not COLOUR.search(done.out)
        return done.code, done.out

    code, told = say("task", "watch", task)
    assert code == 0 and told.splitlines()[-1] == f"{task}: complete"
    assert {line.split(":")[0] for line in told.splitlines()} == {*GRAPH, task}
    code, told = say("task", "watch", task, "--json")
    lines = [json.loads(line) for line in told.splitlines()]
    assert code == 0 and [line["name"] for line in lines] == [*GRAPH, "flow"] and lines[-1]["status"] == "complete"


def test_watching_ends_by_ctrl_c_and_by_its_time_and_leaves_the_task_alone(shop: Workshop, terminal: Terminal) -> None:
    shop.template(GRAPH)
    task = shop.create()
    terminal.begin("task", "watch", task)
    terminal.await_text("◌ cart  ready")
    terminal.press_ctrl_c()
    assert terminal.end() == 130
    assert terminal.run("task", "watch", task, "--timeout", "0.1") == 1 and "not at rest after 0.1 s" in terminal.text
    assert shop.client.get_task(task).status == "steps_in_process"
    assert terminal.run("task", "watch", "01980000-0000-7000-8000-000000000000") == 2


def test_a_narrow_terminal_folds_and_a_pipe_does_not(shop: Workshop, tmp_path: Path) -> None:
    name = "a_flow_with_a_name_that_is_longer_than_any_narrow_terminal_is_wide"
    shop.template({"cart": []}, name=name)
    with Terminal(tmp_path, shop.url, columns=50) as narrow:
        assert narrow.run("template", "list") == 0 and "shop/a_flow" in narrow.text and name not in narrow.text
    assert f"shop/{name}" in tasker("template", "list", url=shop.url).out
