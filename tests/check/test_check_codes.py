"""Codes are known, documented and stable; the schema of templates is what reads them."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasker_core.check.codes import CODES
from tasker_core.rules.schema import Schema
from tasker_core.rules.template_schema import template_schema
from tests.support.codes_table import compared, of_templates
from tests.support.workshop import tasker

ROOT = Path(__file__).parents[2]
HEAD = {"name": "order", "namespace_name": "shop", "version": "1.0.0"}
STEP: dict[str, Any] = {"name": "pay", "handler": {"callable": "pay"}}


def test_the_reference_lists_every_code() -> None:
    page = (ROOT / "docs/reference/checks.md").read_text()
    for table in (compared(), of_templates()):
        assert table in page, "python -m tests.support.codes_table prints the tables for docs/reference/checks.md"


def test_every_code_that_is_told_is_known() -> None:
    told: set[str] = set()
    for place in ("check", "rules", "registry"):
        for file in (ROOT / "src/tasker_core" / place).rglob("*.py"):
            text = file.read_text()
            told |= set(re.findall(r"(?:error|warning|info|report|words)\(\s*\"([A-Z][A-Z_]{3,})\"", text))
            told |= set(re.findall(r"\"(?:error|warning|info)\"(?: if [^,]*)?,\s*\"([A-Z][A-Z_]{3,})\"", text))
    assert len(told) > 70
    assert told <= CODES.keys()
    assert all(part and not part.endswith(".") for code in CODES.values() for part in code)


def test_the_schema_comes_with_the_package_and_is_printed() -> None:
    shipped = files("tasker_core.check").joinpath("template.schema.json").read_text()
    assert json.loads(shipped) == template_schema(), (
        "tasker template schema > src/tasker_core/check/template.schema.json"
    )
    assert tasker("template", "schema").out == shipped


@pytest.mark.parametrize("file", [*ROOT.glob("examples/**/*.yaml")], ids=lambda file: file.name)
def test_templates_fit_the_schema(file: Path) -> None:
    assert Schema(template_schema()).violations(yaml.safe_load(file.read_text())) == ()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"x-owner": "me"},
        {"steps": [{**STEP, "depends_on": ["cart"], "step_type": "decision_point"}]},
        {"steps": [{**STEP, "concurrency": 3, "rate": "10/s", "compensate": {"handler": "refund"}}]},
        {"steps": [{**STEP, "concurrency": {"key": "customer.id"}, "compensate": {"handler": {"callable": "refund"}}}]},
    ],
)
def test_what_is_right_fits_the_schema(content: dict[str, Any]) -> None:
    assert Schema(template_schema()).violations({**HEAD, "steps": [STEP], **content}) == ()


@pytest.mark.parametrize(
    "content",
    [
        {"name": "Order"},
        {"version": "1.0"},
        {"namespce": "shop"},
        {"steps": []},
        {"steps": [{**STEP, "type": "decison"}]},
        {"steps": [{**STEP, "retry": {"backoff": "exponental"}}]},
        {"steps": [{**STEP, "retry": {"max_attempts": "3"}}]},
        {"steps": [{**STEP, "timeout": 3}]},
        {"steps": [{"name": "pay", "handler": "pay"}]},
    ],
)
def test_what_is_wrong_does_not_fit_the_schema(content: dict[str, Any]) -> None:
    assert Schema(template_schema()).violations({**HEAD, "steps": [STEP], **content})


def test_an_editor_can_explain_every_key() -> None:
    schema = template_schema()
    blocks = [schema, *schema["$defs"].values()]
    assert len(blocks) > 12
    assert all(value["description"] for block in blocks for value in block["properties"].values())
