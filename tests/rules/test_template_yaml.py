"""Broken and unwelcome YAML is explained with its place; good YAML means what version 1.2 says."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.errors import TemplateError
from tasker_core.rules.findings import Findings
from tasker_core.rules.template_text import read_template
from tasker_core.rules.template_yaml import parse

GOOD = """\
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler: {callable: pay}
    dependencies: []
"""


def complaint(text: str) -> str:
    with pytest.raises(TemplateError) as caught:
        read_template(text, "order.yaml")
    return "\n".join(str(caught.value).splitlines()[1:])


def data(text: str) -> Any:
    findings = Findings("x.yaml")
    parsed = parse(text, findings, {})
    assert parsed is not None
    assert not findings.errors
    return parsed.data


@pytest.mark.parametrize(
    ("old", "broken", "said"),
    [
        (
            "    dependencies: []", "   dependencies: []",
            ("7:4: error YAML_SYNTAX: this is not YAML: a key that belongs to no mapping: "
            "check the indentation of this line and of those above (it begins in line 5)"),
        ),
        (
            "    dependencies", "\tdependencies",
            "7:1: error YAML_SYNTAX: this is not YAML: a tab; YAML is indented with spaces only",
        ),
        (
            "[]\n", "[a, b\n",
            ("8:1: error YAML_SYNTAX: this is not YAML: expected ',' or ']' to go on with the list or end it "
            "(it begins in line 7)"),
        ),
        (
            "{callable: pay}", "{callable: pay",
            ("7:17: error YAML_SYNTAX: this is not YAML: expected ',' or '}' to go on with the mapping or end it "
            "(it begins in line 6)"),
        ),
        (
            "name: pay", "name: 'pay",
            "8:1: error YAML_SYNTAX: this is not YAML: the quotes are never closed (it begins in line 5)",
        ),
        (
            "version: 1.0.0", "description: pay: now",
            ("3:17: error YAML_SYNTAX: this is not YAML: a ':' where no key can be: "
            "check the indentation, and quote texts that hold ': '"),
        ),
        (
            "version: 1.0.0", "version: @1",
            "3:10: error YAML_SYNTAX: this is not YAML: a text that begins with '@' needs quotes around it",
        ),
        (
            "version: 1.0.0", "version 1.0.0",
            "4:1: error YAML_SYNTAX: this is not YAML: expected ':' after a key (it begins in line 3)",
        ),
        (
            "name: pay", "name: p\0ay",
            "5:12: error YAML_SYNTAX: this is not YAML: a control character; remove it",
        ),
        (
            "dependencies: []", "dependencies: - a",
            ("7:19: error YAML_SYNTAX: this is not YAML: a '-' where no list can begin: "
            "put the list on lines of its own"),
        ),
    ],
)  # fmt: skip
def test_broken_yaml_says_where_and_what_was_expected(old: str, broken: str, said: str) -> None:
    assert old in GOOD
    assert complaint(GOOD.replace(old, broken)) == f"order.yaml:{said}"


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("    dependencies: [x]", "DUPLICATE_KEY: the key 'dependencies' is given twice; it already stands in line 7"),
        ("    3: x", "KEY_NOT_TEXT: a key must be text; found the number 3: put it in quotes"),
        ("    ? [a]", "KEY_NOT_TEXT: a key must be text; found a list"),
        ("    timeout_seconds: .inf", ("NOT_JSON: .inf is no number that JSON knows; "
         "put it in quotes if a text is meant")),
        ("    rate: 1e999", "NOT_JSON: 1e999 is no number that JSON knows"),
        (f"    rate: {'1' * 500}", "NOT_JSON: this number has 500 characters; put it in quotes if a text is meant"),
        ("    rate: !!python/object:os.system x", ("NOT_JSON: the tag '!!python/object:os.system' means nothing in a "
         "template")),
        ("    rate: !!set {}", "NOT_JSON: the tag '!!set' means nothing in a template"),
        ("    rate: !!int x", "NOT_JSON: 'x' doesn't fit its tag '!!int'"),
        ("    retry: *common", "UNKNOWN_ANCHOR: '*common' refers to an anchor '&common' that doesn't come before it"),
        ("    rate: &me [*me]", "ANCHOR_IN_ITSELF: '*me' stands inside '&me' itself"),
        ("    retry: {<<: 3}", "MERGE_NOT_MAPPING: '<<' takes a mapping or a list of mappings; found the number 3"),
        (f"    rate: {'[' * 200}", "TOO_DEEP: this is nested deeper than 100 levels"),
        ("---", "MULTIPLE_DOCUMENTS: a second document begins here; a file holds one template"),
    ],
)  # fmt: skip
def test_yaml_that_no_template_can_use(added: str, said: str) -> None:
    assert f"order.yaml:8: error {said}" in complaint(f"{GOOD}{added}\n").splitlines()


@pytest.mark.parametrize(("text", "found"), [("", "nothing"), ("# only this", "nothing"), ("- a", "a list"),
                                             ("hello", "the text 'hello'")])  # fmt: skip
def test_a_text_that_is_no_mapping(text: str, found: str) -> None:
    assert complaint(text) == (
        "order.yaml:1: error NOT_A_TEMPLATE: a template is a mapping with name, namespace_name, version and steps; "
        f"found {found}"
    )


def test_a_text_that_grows_without_measure_is_refused() -> None:
    text = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 12):
        text += f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"
    assert complaint(text) == (
        "order.yaml:6: error TOO_LARGE: this comes to more than 1,000,000 values, aliases written out"
    )


def test_scalars_mean_what_yaml_1_2_says() -> None:
    text = (
        "[on, No, 1:30, 2024-05-01, 010, 1_000, 0x1F, 0o17, -3, +4, 1.5, .5, 1e3, true, FALSE, ~, null, '', '3', 1.0.0]"
    )
    assert data(text) == [
        "on", "No", "1:30", "2024-05-01", "010", "1_000", 31, 15, -3, 4, 1.5, 0.5, 1000.0, True, False, None, None,
        "", "3", "1.0.0",
    ]  # fmt: skip


def test_tags_of_plain_values_are_followed() -> None:
    text = "[!!str 3, !!int 3, !!float 3.5, !!bool true, !!null ~, !!seq [], !!map {}, ! 3]"
    assert data(text) == ["3", 3, 3.5, True, None, [], {}, "3"]


def test_anchors_and_merges_fill_what_a_mapping_does_not_say_itself() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, x: 9}\nd:\n  <<: [*a, *b]\ne: *a\n"
    read = data(text)
    assert (read["c"], read["d"], read["e"]) == ({"x": 9, "y": 2}, {"x": 1, "y": 2, "z": 4}, {"x": 1, "y": 2})


def test_a_mistake_in_a_merged_block_is_reported_where_it_is_written() -> None:
    text = "x-retry: &retry\n  max_attempts: -1\n" + GOOD + "    retry:\n      <<: *retry\n"
    assert complaint(text).startswith("order.yaml:2: error OUT_OF_RANGE: 'retry.max_attempts' of step 'pay'")


def test_a_path_that_is_not_in_the_text_has_the_line_of_what_encloses_it() -> None:
    parsed = parse("a:\n  - b: 1\n    c: 2\n", Findings("x.yaml"), {})
    assert parsed is not None
    lines = [parsed.line_of(path) for path in ((), ("a",), ("a", 0), ("a", 0, "c"), ("a", 0, "z", "q"), ("a", 7))]
    assert lines == [1, 1, 2, 3, 2, 1]
