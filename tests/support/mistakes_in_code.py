"""Mistakes that people make in handlers, and the codes by which each has to be found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from tests.support.mistakes import OTHER_TYPE, Kind, Sites, each, slip


def name_misspelled(text: str) -> Sites:
    yield from each(r"^@\w+\(\"(\w+)\"", text, slip, re.MULTILINE)
    yield from each(r"handler_name = \"(\w+)\"", text, slip)


def wanted_step_misspelled(text: str) -> Sites:
    yield from each(r"@depends_on\(.*?=\(?\"(\w+)\"", text, slip)
    yield from each(r"get_dependency_result\(\"(\w+)\"\)", text, slip)


def wanted_step_is_a_later_one(text: str) -> Sites:
    """The result of a step that another handler of the module is named after, and that runs behind this one."""
    steps = re.findall(r"@depends_on\(\w+=\(?\"(\w+)\"", text)
    first = re.search(r"@depends_on\(\w+=\(?\"(\w+)\"", text)
    if first and steps[-1] != steps[0]:
        yield text[: first.start(1)] + steps[-1] + text[first.end(1) :], f"{first[1]!r} -> {steps[-1]!r}"


def parameter_renamed(text: str) -> Sites:
    yield from each(r"@depends_on\((\w+)=", text, lambda name: f"{name}_result")


def input_misspelled(text: str) -> Sites:
    yield from each(r"@inputs\((?:\"\w+\", )*\"(\w+)\"", text, slip)
    yield from each(r"get_input(?:_or)?\(\"(\w+)\"", text, slip)


def field_read_misspelled(text: str) -> Sites:
    yield from each(r"\b(?:manager|verdict|policy|total|note|billing)\[[\"'](\w+)[\"']\]", text, slip)


def attribute_misspelled(text: str) -> Sites:
    """An attribute of a parameter that is a model."""
    for function in _functions(text):
        typed = {each.arg for each in function.args.args if isinstance(each.annotation, ast.Name)} - {
            "context",
            "api",
            "self",
        }
        plain = {
            each.arg
            for each in function.args.args
            if getattr(each.annotation, "id", "") in ("str", "Any", "StepContext")
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in typed - plain:
                new = slip(node.attr)
                yield _replaced(text, node, f"{node.value.id}.{new}"), f"{node.value.id}.{node.attr} -> {new}"


def returned_key_renamed(text: str) -> Sites:
    """A key of a returned dict that somebody reads."""
    for function in _functions(text):
        for node in ast.walk(function):
            for key in node.keys if isinstance(node, ast.Dict) else ():
                name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
                if name is not None and re.search(rf"\w\[[\"']{name}[\"']\]", text):
                    yield _replaced(text, key, f'"{name}_now"'), f"{function.name}: {name!r}"


def model_field_renamed(text: str) -> Sites:
    """A field of a model that a handler takes as its input, or reads by its name."""
    for model, field in _fields(text):
        name = field.target.id if isinstance(field.target, ast.Name) else ""
        if re.search(rf"@inputs\({model}\)", text) or re.search(rf"\w\.{name}\b", text):
            yield _replaced(text, field.target, f"{name}_new"), f"{model}.{name}"


def input_field_added(text: str) -> Sites:
    """A field that the model of the input needs, and nobody told the template."""
    for model in dict.fromkeys(re.findall(r"@inputs\(([A-Z]\w+)\)", text)):
        match = re.search(rf"class {model}\(BaseModel\):\n(?:    \"\"\".*\"\"\"\n\n)?", text)
        if match:
            yield text[: match.end()] + "    voucher: str\n" + text[match.end() :], f"{model}.voucher"


def input_field_retyped(text: str) -> Sites:
    for model, field in _fields(text):
        kind = field.annotation.id if isinstance(field.annotation, ast.Name) else ""
        if re.search(rf"@inputs\({model}\)", text) and kind in ("str", "int", "bool") and field.value is None:
            yield _replaced(text, field.annotation, OTHER_TYPE[kind]), f"{model}: {kind}"


def taken_field_retyped(text: str) -> Sites:
    """A field of a model that only takes results."""
    returned = set(re.findall(r"-> (\w+)", text))
    for model, field in _fields(text):
        kind = field.annotation.id if isinstance(field.annotation, ast.Name) else ""
        takes = re.search(rf"@depends_on\(.*\b{model}\)", text)
        converts = re.search(rf"class {model}\(.*\n(?:    .*\n|\n)*?    @field_validator", text)
        if takes and model not in returned and not converts and kind in ("int", "float", "bool", "str"):
            yield _replaced(text, field.annotation, "dict[str, int]"), f"{model}: {kind}"


def branch_misspelled(text: str) -> Sites:
    yield from each(r"(?:Decision\.route\(|asked \+?= )\[\"(\w+)\"\]", text, slip)
    yield from each(r"or \[\"(\w+)\"\]", text, slip)
    yield from each(r"(?:EXPRESS, FREIGHT = |ways \+= \[)\"(\w+)\"", text, slip)


def decorator_of_a_plain_step(text: str) -> Sites:
    yield from each(r"^@(decision_handler)\(", text, lambda _: "step_handler", re.MULTILINE)


def worker_named_wrongly(text: str) -> Sites:
    yield from each(r"worker_template(?:_name)?=\"(\w+)\"", text, slip)


def setting_read_wrongly(text: str) -> Sites:
    yield from each(r"get_config\(\"(\w+)\"\)", text, slip)


def model_forgotten(text: str) -> Sites:
    """``("step", Model)`` becomes ``"step"`` where attributes are read."""
    yield from each(r"@depends_on\(\w+=(\(\"\w+\", \w+\))\)", text, lambda pair: pair.split(",")[0].lstrip("("))


def other_model(text: str) -> Sites:
    """The model of another step."""
    models = re.findall(r"class (\w+)\(BaseModel\)", text)
    for match in re.finditer(r"@depends_on\(\w+=\(\"\w+\", (\w+)\)\)", text):
        other = next((model for model in models if model != match[1]), None)
        if other is not None:
            yield text[: match.start(1)] + other + text[match.end(1) :], f"{match[1]} -> {other}"


def key_forgotten(text: str) -> Sites:
    yield from each(r"(\"Idempotency-Key\": context\.idempotency_key)", text, lambda _: '"Accept": "application/json"')


def handler_deleted(text: str) -> Sites:
    for function in _functions(text):
        if function.decorator_list and isinstance(function.decorator_list[0], ast.Call):
            lines = text.splitlines(True)
            first = min(each.lineno for each in function.decorator_list)
            yield "".join(lines[: first - 1] + lines[function.end_lineno or 0 :]), function.name


def import_forgotten(text: str) -> Sites:
    yield from each(r"^from tasker_core\.step_handler import .*?(, inputs)\b", text, lambda _: "", re.MULTILINE)


def colon_forgotten(text: str) -> Sites:
    yield from each(r"^def \w+\(.*\)(?: -> .*)?(:)\n", text, lambda _: "", re.MULTILINE)


_BROKEN = {"NOT_IMPORTED"}

CODE_KINDS: dict[Kind, set[str]] = {
    name_misspelled: {"HANDLER_NOT_FOUND"},
    wanted_step_misspelled: {"DEPENDENCY_UNKNOWN"},
    wanted_step_is_a_later_one: {"DEPENDENCY_NOT_BEFORE", "DEPENDENCY_UNKNOWN"},
    parameter_renamed: _BROKEN,
    input_misspelled: {"INPUT_UNKNOWN", *_BROKEN},
    field_read_misspelled: {"RESULT_FIELD_MISSING"},
    attribute_misspelled: {"ATTRIBUTE_UNKNOWN"},
    returned_key_renamed: {"RESULT_FIELD_MISSING", "RESULT_SCHEMA_MISMATCH"},
    model_field_renamed: {"ATTRIBUTE_UNKNOWN", "INPUT_FIELD_MISSING", "INPUT_UNKNOWN", "RESULT_FIELD_MISSING"},
    input_field_added: {"INPUT_FIELD_MISSING"},
    input_field_retyped: {"INPUT_TYPE"},
    taken_field_retyped: {"RESULT_TYPE"},
    branch_misspelled: {"BRANCH_UNKNOWN"},
    decorator_of_a_plain_step: {"NOT_A_DECISION"},
    worker_named_wrongly: {"UNKNOWN_WORKER"},
    setting_read_wrongly: {"SETTING_UNKNOWN"},
    model_forgotten: {"ATTRIBUTE_UNKNOWN"},
    other_model: {"RESULT_FIELD_MISSING", "ATTRIBUTE_UNKNOWN"},
    key_forgotten: {"KEY_UNUSED"},
    handler_deleted: {"HANDLER_NOT_FOUND"},
    import_forgotten: _BROKEN,
    colon_forgotten: _BROKEN,
}


def _functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _fields(text: str) -> Iterator[tuple[str, ast.AnnAssign]]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "BaseModel" for base in node.bases):
            for field in node.body:
                if isinstance(field, ast.AnnAssign):
                    yield node.name, field


def _replaced(text: str, node: Any, new: str) -> str:
    lines = text.splitlines(True)
    line = lines[node.lineno - 1]
    assert node.lineno == node.end_lineno
    lines[node.lineno - 1] = line[: node.col_offset] + new + line[node.end_col_offset :]
    return "".join(lines)
