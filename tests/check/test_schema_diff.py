"""What two schemas say otherwise, with a code for each kind of thing, and whether it may break."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.check.schema_diff import changes, compare
from tasker_core.rules.template import Template


def an_object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


INTEGER, TEXT = {"type": "integer"}, {"type": "string"}


@pytest.mark.parametrize(
    ("made", "taken", "found"),
    [
        (an_object([], a=INTEGER), an_object(["a"], a=INTEGER), []),
        (an_object([], a=INTEGER), an_object(["a"], a={"type": "number"}), []),
        (an_object([], a={}), an_object(["a"], a=TEXT), []),
        (an_object([], a={"type": "number"}), an_object([], a=INTEGER), [("TYPE_MISMATCH", "a", True)]),
        (an_object([], a={"type": ["string", "null"]}), an_object([], a=TEXT), [("TYPE_MISMATCH", "a", True)]),
        (an_object([]), an_object(["a"], a=TEXT), [("MISSING_REQUIRED_FIELD", "a", True)]),
        (an_object([]), an_object([], a=TEXT), [("MISSING_OPTIONAL_FIELD", "a", False)]),
        (an_object([], a=TEXT), an_object([]), [("EXTRA_PRODUCER_FIELD", "a", False)]),
        (
            an_object([], lines={"type": "array", "items": an_object([], sku=TEXT)}),
            an_object(["lines"], lines={"type": "array", "items": an_object(["sku"], sku=INTEGER)}),
            [("TYPE_MISMATCH", "lines[].sku", True)],
        ),
    ],
)
def test_a_result_against_what_is_expected(made: Any, taken: Any, found: Any) -> None:
    assert [(each.code, each.path, each.is_breaking) for each in compare(made, taken)] == found


def template(input_schema: Any, **results: Any) -> Template:
    steps = [
        {"name": name, "handler": {"callable": name}, **({"result_schema": schema} if schema else {})}
        for name, schema in results.items()
    ]
    content = {"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": steps}
    return Template.from_content({**content, **({"input_schema": input_schema} if input_schema else {})})


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (template(None, a=None), template(None, a=None), []),
        (template(None, a=None, b=None), template(None, a=None), [("STEP_REMOVED", "b", True)]),
        (template(None, a=None), template(None, a=None, b=None), [("STEP_ADDED", "b", False)]),
        (template(None, a=None), template(None, a=an_object([])), [("SCHEMA_ADDED", "a", False)]),
        (template(None, a=an_object([])), template(None, a=None), [("SCHEMA_REMOVED", "a", True)]),
        (template(None, a=an_object([], x=TEXT)), template(None, a=an_object([])), [("FIELD_REMOVED", "a.x", True)]),
        (template(None, a=an_object([])), template(None, a=an_object([], x=TEXT)), [("FIELD_ADDED", "a.x", False)]),
        (
            template(an_object([]), a=None), template(an_object(["x"], x=TEXT), a=None),
            [("FIELD_ADDED", "input.x", True)],
        ),
        (
            template(None, a=an_object([], x=TEXT)), template(None, a=an_object([], x=INTEGER)),
            [("TYPE_CHANGED", "a.x", True)],
        ),
        (
            template(None, a=an_object(["x"], x=TEXT)), template(None, a=an_object([], x=TEXT)),
            [("REQUIRED_TO_OPTIONAL", "a.x", True)],
        ),
        (
            template(an_object([], x=TEXT), a=None), template(an_object(["x"], x=TEXT), a=None),
            [("OPTIONAL_TO_REQUIRED", "input.x", True)],
        ),
        (
            template(None, a=an_object([], x=TEXT)), template(None, a=an_object(["x"], x=TEXT)),
            [("OPTIONAL_TO_REQUIRED", "a.x", False)],
        ),
    ],
)  # fmt: skip
def test_an_old_template_against_a_new_one(old: Template, new: Template, found: Any) -> None:
    assert [(each.code, each.path, each.is_breaking) for each in changes(old, new)] == found
