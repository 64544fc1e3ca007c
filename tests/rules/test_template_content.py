"""A template's content is complete and stable; its digest tells contents apart; differences read well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.template import Template
from tasker_core.rules.template_diff import difference
from tasker_core.rules.template_text import read_mapping, read_template

texts = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
settings_of_handlers = st.dictionaries(texts, json_values, max_size=3)
retries = st.fixed_dictionaries(
    {},
    optional={
        "retryable": st.booleans(),
        "max_attempts": st.integers(1, 999_999),
        "backoff": st.sampled_from(["none", "linear", "exponential", "fibonacci"]),
        "backoff_base_ms": st.integers(0, 86_400_000),
        "max_backoff_ms": st.integers(0, 86_400_000),
        "jitter": st.floats(0, 1),
    },
)


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True), min_size=1, max_size=5, unique=True))
    steps = []
    for number, name in enumerate(names):
        step: dict[str, Any] = {"name": name, "handler": {"callable": f"do_{number}"}}
        if draw(st.booleans()):
            step["handler"]["initialization"] = draw(settings_of_handlers)
        if number and draw(st.booleans()):
            step[draw(st.sampled_from(["dependencies", "depends_on"]))] = draw(
                st.lists(st.sampled_from(names[:number]), unique=True)
            )
        if draw(st.booleans()):
            step["retry"] = draw(retries)
        if draw(st.booleans()):
            step["timeout_seconds"] = draw(st.integers(1, 3_600) | st.floats(0.001, 3_600))
        steps.append(step)
    mapping: dict[str, Any] = {"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": steps}
    if draw(st.booleans()):
        mapping["default_context"] = draw(settings_of_handlers)
    return mapping


def order(**changes: Any) -> Template:
    step = {"name": "pay", "handler": {"callable": "pay"}}
    return Template.from_content(
        {"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": [step], **changes}
    )


def step(name: str = "pay", **changes: Any) -> dict[str, Any]:
    return {"name": name, "handler": {"callable": name}, **changes}


@given(mappings())
def test_content_survives_json_and_gives_the_same_template_and_digest(mapping: dict[str, Any]) -> None:
    template = read_mapping(mapping, "mapping").template
    again = Template.from_content(json.loads(json.dumps(template.content())))
    assert again == template
    assert again.content() == template.content()
    assert again.digest() == template.digest()


@given(mappings())
def test_json_is_yaml_so_text_and_mapping_give_the_same(mapping: dict[str, Any]) -> None:
    text = json.dumps(mapping)
    assert read_template(text, "x.yaml").template.digest() == read_mapping(mapping, "mapping").template.digest()


@given(mappings(), mappings())
def test_there_is_a_difference_exactly_where_the_digests_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    old, new = read_mapping(one, "one").template, read_mapping(other, "other").template
    assert (difference(old, new) == []) == (old.digest() == new.digest())
    assert difference(old, old) == []


@given(mappings())
def test_edges_and_ancestors_follow_the_dependencies(mapping: dict[str, Any]) -> None:
    template = read_mapping(mapping, "mapping").template
    names = [step.name for step in template.steps]
    edges = {(names[parent - 1], names[child - 1]) for parent, child in template.edges()}
    assert edges == {(parent, step.name) for step in template.steps for parent in step.dependencies}
    for name in names:
        parents = {parent for parent, child in edges if child == name}
        assert template.ancestors(name) == parents.union(*(template.ancestors(parent) for parent in parents))


def test_the_digest_is_the_same_on_every_machine_and_for_ever() -> None:
    assert order().content() == {
        "name": "order",
        "namespace_name": "shop",
        "version": "1.0.0",
        "steps": [{"name": "pay", "handler": {"callable": "pay"}}],
    }
    assert order().digest() == "1de4699283348b0b111ecaf299d739d1b6f43c582d7c8dec46eb1d9b91eada78"


def test_layout_order_of_keys_and_spelled_out_defaults_do_not_change_the_digest() -> None:
    text = """\
# the same in other words
steps:
  - handler: {callable: "pay", method: call, initialization: {}}
    depends_on: []
    step_type: standard
    max_crashes: 3
    name: pay
x-owner: me
version: "1.0.0"
namespace_name: shop
identity_strategy: strict
name: order
"""
    assert read_template(text, "order.yaml").template.digest() == order().digest()


def test_a_template_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        order().__setattr__("name", "other")


def test_an_unknown_step_is_named_with_the_nearest_one() -> None:
    template = order(steps=[step("validate_cart")])
    for ask in (template.step, template.ancestors):
        with pytest.raises(KeyError) as caught:
            ask("validate_crat")
        assert caught.value.args == (
            "template shop/order 1.0.0 has no step 'validate_crat'; did you mean 'validate_cart'?",
        )


def test_a_difference_names_each_change() -> None:
    old = order(
        description="Orders",
        steps=[step("a"), step("b", dependencies=["a"], retry={"max_attempts": 2}), step("gone"), step("c")],
    )
    new = order(
        description="Our orders",
        steps=[
            step("a", timeout_seconds=5),
            step("c", handler={"callable": "c", "initialization": {"url": "x"}}),
            step("b", dependencies=["a", "c"], retry={"max_attempts": 5, "jitter": 0.5}),
            step("added"),
        ],
    )
    assert difference(old, new) == [
        'description: "Orders" -> "Our orders"',
        "step 'gone' is gone",
        "step 'added' is added",
        "step 'a': timeout_seconds: default -> 5.0",
        "step 'c': handler.initialization.url: nothing -> \"x\"",
        'step \'b\': dependencies: ["a"] -> ["a", "c"]',
        "step 'b': retry.max_attempts: 2 -> 5",
        "step 'b': retry.jitter: default -> 0.5",
        "the steps stand in another order",
    ]
