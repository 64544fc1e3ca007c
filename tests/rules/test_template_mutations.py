"""Whatever the text, a template is read or refused: nothing else happens."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasker_core.errors import TemplateError
from tasker_core.rules.template import Template
from tasker_core.rules.template_text import read_mapping, read_template

TEXT = """\
name: order
namespace_name: shop
version: 1.0.0
metadata: {author: Ada, tags: [a]}
domain_events: [{name: a.b, schema: {type: object}}]
input_schema: {type: object, properties: {a: {type: string}}}
environments: {production: {steps: [{name: ALL, retry: {max_attempts: 4}}]}}
lifecycle: {max_duration_minutes: 4}
default_context: &some {a: 1}
steps:
  - name: check
    handler: {callable: check, initialization: {<<: *some, url: "x"}}
    dependencies: []
  - name: pay
    handler:
      callable: pay
    depends_on: [check]
    timeout_seconds: 2.5
    retry: {retryable: true, max_attempts: 2, backoff: linear, backoff_base_ms: 100, jitter: 0.1}
    publishes_events: [{name: a.b, description: x, schema: {}}]
    batch_config: {worker_template: pay}
    result_schema: {type: object}
"""
WORDS = [
    *"[]{}:,-?&*!|>'\"%@`#\n\t ", "~", "null", "true", "0", "-1", "1.0", ".nan", "1e999", "x", "<<", "&a ", "*a",
    "*some", ": ", "- ", "---", "...", "!!set ", "!!python/name:x ", "\0", "\ud800", "\ufeff", "é", "\\U00110000",
    "a: b", "[[[[[[", "9" * 5_000, "$ref: '#'", "{}", "[]", "\u2028", "%YAML 3.0\n",
]  # fmt: skip


def read_or_refused(text: str) -> None:
    try:
        read = read_template(text, "order.yaml")
    except TemplateError as error:
        findings = error.findings
    else:
        findings = list(read.findings)
        assert Template.from_content(read.template.content()) == read.template
    assert all(isinstance(finding.line, int) for finding in findings)


@given(st.text())
def test_any_text(text: str) -> None:
    read_or_refused(text)


@given(st.lists(st.sampled_from([*WORDS, "name", "steps", "handler", "callable", "order"]), max_size=30))
def test_any_pieces_of_yaml(words: list[str]) -> None:
    read_or_refused("".join(words))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = TEXT
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 5, 20])))
        text = text[:start] + draw(st.sampled_from(["", *WORDS])) + text[end:]
    return text


@given(damaged())
def test_a_damaged_template(text: str) -> None:
    read_or_refused(text)


@st.composite
def reordered(draw: st.DrawFn) -> str:
    lines = TEXT.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        line = lines.pop(at)
        lines.insert(to, draw(st.sampled_from(["", "  "])) + line)
    return "\n".join(lines)


@given(reordered())
def test_lines_in_another_order(text: str) -> None:
    read_or_refused(text)


KEYS = ["name", "steps", "handler", "callable", "dependencies", "depends_on", "retry", "max_attempts", "type",
        "version", "environments", "input_schema", "result_schema", "publishes_events", "schema", "metadata", "x-y",
        "$schema", "$ref", "properties", "pattern", "initialization", "batch_config", "domain_events",
        "namespace_name"]  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(KEYS) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)
GOOD: dict[str, Any] = {
    "name": "order",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "pay", "handler": {"callable": "pay"}}],
}


@given(st.dictionaries(st.sampled_from(KEYS), values), st.dictionaries(st.sampled_from(KEYS), values))
def test_any_mapping(changes: dict[str, Any], changes_of_step: dict[str, Any]) -> None:
    mapping = {**GOOD, "steps": [{**GOOD["steps"][0], **changes_of_step}], **changes}
    try:
        read = read_mapping(mapping, "mapping")
    except TemplateError:
        return
    assert Template.from_content(read.template.content()) == read.template
