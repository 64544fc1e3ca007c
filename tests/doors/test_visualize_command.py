"""``tasker task visualize`` and ``tasker template visualize``, in every format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tasker_core import PermanentError
from tasker_core.drawing.graph import Edge, Graph, Node
from tasker_core.drawing.layout import Box
from tasker_core.drawing.looks import LOOKS
from tasker_core.drawing.mermaid import mermaid
from tasker_core.drawing.svg import svg
from tests.support.workshop import Finished, Workshop, flow, tasker

GRAPH = {"cart": [], "pay": ["cart"], "pick": ["cart"], "ship": ["pay", "pick"]}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    @workshop.handler("pay")
    def pay() -> None:
        raise PermanentError("the card was declined")

    for name in ("cart", "pick", "ship"):
        workshop.handler(name)(lambda: {"fine": True})
    workshop.template(GRAPH, pick={"result_schema": {"type": "object", "properties": {"boxes": {"type": "integer"}}}})
    return workshop


def say(shop: Workshop, *arguments: str | Path, feed: str | None = None) -> Finished:
    done = tasker(*arguments, cwd=shop.directory, url=shop.url, feed=feed)
    assert done.err == ""
    return done


def blocked(shop: Workshop) -> str:
    task = shop.create()
    shop.start()
    assert shop.finish(task).status == "blocked_by_failures"
    return task


def test_a_run_in_the_colours_of_its_states(shop: Workshop) -> None:
    task = blocked(shop)
    shop.client.send_to_dead_letters(task)
    text = say(shop, "task", "visualize", task).out
    assert re.search(r"^shop/flow 1\.0\.0 +blocked_by_failures +2 of 4 steps +" + task, text)
    assert "dead letter: " in text and re.search(r"^├─ ✗ pay  permanent_error", text, re.MULTILINE)
    assert re.search(r"^   └─ · ship  waiting  after pay$", text, re.MULTILINE)
    drawn = say(shop, "task", "visualize", task, "--format", "mermaid").out
    assert '    s2["pay<br/>permanent_error"]:::error\n' in drawn and "    s3 --> s4\n" in drawn
    assert re.search(r"^    classDef error fill:#\w{6},stroke:#\w{6}", drawn, re.MULTILINE)
    page = say(shop, "task", "visualize", task, "-f", "markdown", "--base-url", "https://tasker.example/").out
    assert page.startswith("# shop/flow 1.0.0: blocked_by_failures\n\nA dead letter is pending: ")
    assert f"```mermaid\n{drawn}```\n" in page
    link = rf"\[pay\]\(https://tasker\.example/tasks/{task}\?step=[0-9a-f-]{{36}}\)"
    assert re.search(rf"^\| {link} \| error \| 1 of 3 \| permanent_error \| 20", page, re.MULTILINE)
    graph_alone = say(shop, "task", "visualize", task, "-f", "markdown", "--graph-only").out
    assert graph_alone == f"```mermaid\n{drawn}```\n"
    told = json.loads(say(shop, "task", "visualize", task, "--json").out)
    assert {node["name"]: node["state"] for node in told["nodes"]} == {
        "cart": "complete", "pay": "error", "pick": "complete", "ship": "pending",
    }  # fmt: skip
    names = {node["key"]: node["name"] for node in told["nodes"]}
    assert {(names[edge["from"]], names[edge["to"]], edge["done"]) for edge in told["edges"]} == {
        ("cart", "pay", True), ("cart", "pick", True), ("pay", "ship", False), ("pick", "ship", True),
    }  # fmt: skip


def test_a_picture_is_a_file_that_any_viewer_reads(shop: Workshop) -> None:
    wrote = say(shop, "task", "visualize", blocked(shop), "--output", "run.svg").out
    assert wrote == "wrote run.svg\n"
    picture = ElementTree.fromstring((shop.directory / "run.svg").read_text())
    classes = {group[2].text: group.get("class") for group in picture.iter(f"{SVG}g")}
    assert classes == {
        "cart": "node complete", "pay": "node error", "pick": "node complete", "ship": "node pending",
    }  # fmt: skip
    assert len(picture.findall(f"{SVG}path")) == 4 and picture[0].text == "shop/flow 1.0.0: blocked_by_failures"
    (style,) = picture.iter(f"{SVG}style")
    for state in LOOKS:
        assert f".{state} .box {{ stroke: #" in str(style.text)


@pytest.mark.parametrize("source", ["file", "standard input", "store"])
def test_a_template_wherever_it_is(shop: Workshop, source: str) -> None:
    file = shop.directory / "flow.yaml"
    file.write_text(yaml.safe_dump(flow(GRAPH), sort_keys=False))
    given = {"file": str(file), "standard input": "-", "store": "shop/flow"}[source]
    drawn = say(shop, "template", "visualize", given, "-f", "mermaid", feed=file.read_text()).out
    assert drawn == (
        'graph TD\n    s1["cart<br/>cart"]\n    s2["pay<br/>pay"]\n    s3["pick<br/>pick"]\n    s4["ship<br/>ship"]\n'
        "    s1 --> s2\n    s1 --> s3\n    s2 --> s4\n    s3 --> s4\n"
    )


def test_the_table_of_a_template_and_annotations(shop: Workshop) -> None:
    page = say(shop, "template", "visualize", "flow", "-f", "markdown", "--annotations", '{"pay": "asks the bank"}').out
    assert "| ship | standard | ship | pay, pick |  | 3 attempts |" in page and 's2["pay<br/>asks the bank"]' in page
    assert "| pick | standard | pick | cart | boxes | 3 attempts |" in page
    odd = tasker("template", "visualize", "flow", "--annotations", '{"pya": ""}', cwd=shop.directory, url=shop.url)
    assert odd.code == 2 and "annotations: shop/flow 1.0.0 has no step 'pya'" in odd.err
    missing = tasker("template", "visualize", "folw", cwd=shop.directory, url=shop.url)
    assert missing.code == 2 and "no template 'folw' is registered; did you mean 'flow'?" in missing.err


def test_hostile_words_stay_words() -> None:
    said = '</text><script>"x" & `y` #1\x00\x1b\ud800'
    node: Any = Node("a", said, "decision", "error", said, 1, Box(0, 0, 100, 44))
    graph = Graph([node], [Edge("a", "a", "M0 0H5", True, False)], 100, 44)
    picture = ElementTree.fromstring(svg(graph, said, is_run=True))
    assert [text.text for text in picture.iter(f"{SVG}text")][1:] == ['</text><script>"x" & `y` #1'] * 2
    (line,) = [line for line in mermaid(graph, is_run=True).splitlines() if line.startswith("    s1{")]
    assert line.count('"') == 2 and "<script" not in line and "`" not in line and line.endswith("}:::error")
