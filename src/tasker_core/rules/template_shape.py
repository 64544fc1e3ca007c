"""Compares data with the blocks of a template: unknown keys, missing keys, wrong types and values, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tasker_core.rules.findings import Findings, Path, found, written
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_blocks import Block, HandlerSpec, Retry

_SYNONYMS = {
    "limit": "max_attempts",
    "max_retries": "max_attempts",
    "after": "dependencies",
    "needs": "dependencies",
    "requires": "dependencies",
    "config": "initialization",
    "timeout": "timeout_seconds",
}
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
}
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def check_keys(data: Any, findings: Findings, *, strict: bool) -> None:
    """Report each key that no block knows: a warning, or an error if ``strict``. Keys from ``x-`` on are free."""
    report = findings.error if strict else findings.warning
    for path, block, value in _blocks(Template, data, ()):
        known = {*_keys(block), *block.other_names}
        for key in value:
            if key in known or key.startswith("x-"):
                continue
            hint = findings.did_you_mean(_SYNONYMS.get(key, key), known) or _where_known(key)
            report("UNKNOWN_KEY", (*path, key), f"unknown key {key!r} in {subject(path, data)}{hint}")


def check_other_names(data: Any, findings: Findings) -> None:
    """Report a key that is given under both of its names: only one of them could count."""
    for path, block, value in _blocks(Template, data, ()):
        for other, name in block.other_names.items():
            if value.get(other) is not None and value.get(name) is not None:
                message = f"{subject(path, data)} has both {name!r} and {other!r}, which mean the same; keep {name!r}"
                findings.error("DUPLICATE_KEY", (*path, other), message)


def report_shape(error: ValidationError, data: Any, findings: Findings) -> None:
    """Report everything that keeps ``data`` from being a template."""
    for detail in error.errors(include_url=False):
        path: Path = detail["loc"]
        if detail["type"] == "too_short" and detail["input"]:
            continue  # the entries are there, and the errors of each are reported
        code, message = _explained(detail, path, data)
        findings.error(code, path, message)


def subject(path: Path, data: Any) -> str:
    """What a path points at, as the start of a sentence: ``'retry.max_attempts' of step 'pay'``."""
    if len(path) < 2 or path[0] != "steps" or not isinstance(path[1], int):
        return f"'{written(path)}'" if path else "the template"
    name = data["steps"][path[1]].get("name") if isinstance(data["steps"][path[1]], Mapping) else None
    step = f"step {name!r}" if isinstance(name, str) else f"step number {path[1] + 1}"
    return f"'{written(path[2:])}' of {step}" if len(path) > 2 else step


def _explained(detail: ErrorDetails, path: Path, data: Any) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    what = subject(path, data)
    if path == ("steps",) and kind in ("missing", "too_short"):
        return "NO_STEPS", "a template needs at least one step: list them under 'steps'"
    if kind == "missing":
        return "MISSING_KEY", f"{subject(path[:-1], data)} has no {str(path[-1])!r}, which it needs"
    if kind in _EXPECTED:
        wrong = f"{what} must be {_EXPECTED[kind]}; found {found(value)}"
        return "WRONG_TYPE", wrong + _how_to_write(kind, value, path)
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return "OUT_OF_RANGE", f"{what} must be {words} {context[key]:,.9g}; found {value}"
    if kind == "literal_error":
        return _one_of(value, re.findall(r"'([^']*)'", context["expected"]), what, path)
    if kind == "string_too_short":
        return "BAD_VALUE", f"{what} is empty"
    if kind.isupper():
        return kind, f"{what} {detail['msg']}"
    return "BAD_VALUE", f"{what}: {detail['msg']}; found {found(value)}"


def _how_to_write(kind: str, value: Any, path: Path) -> str:
    """What to write instead, where the value shows what was meant."""
    if kind == "string_type" and path == ("version",) and isinstance(value, int | float):
        return '; put it in quotes, all three numbers: version: "1.0.0"'
    if kind == "string_type" and isinstance(value, int | float):
        return "; put it in quotes"
    if not isinstance(value, str):
        return ""
    if kind == "bool_type" and value.lower() in _TRUTHS:
        return f"; write {_TRUTHS[value.lower()]}"
    if kind in ("int_type", "float_type") and re.fullmatch(r"[-+]?[0-9_]+", value):
        return f"; write {value.replace('_', '')}, without quotes"
    if kind == "tuple_type" and len(value) <= 128 and "\n" not in value:
        return f"; write [{value}]"
    if kind == "model_type" and path[-1] == "handler":
        return f"; write handler: {{callable: {value}}}"
    return ""


def _one_of(value: Any, allowed: list[str], what: str, path: Path) -> tuple[str, str]:
    code = "UNKNOWN_STEP_TYPE" if len(path) == 3 and path[0] == "steps" and path[2] == "type" else "BAD_VALUE"
    hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
    return code, f"{what} must be one of {', '.join(allowed)}; found {found(value)}{hint}"


def _blocks(block: type[Block], value: Any, path: Path) -> Iterator[tuple[Path, type[Block], Mapping[str, Any]]]:
    """Every mapping in the data that should be a block, from the outside in."""
    if not isinstance(value, Mapping):
        return
    yield path, block, value
    inside = _blocks_inside(block)
    for key, item in value.items():
        if key not in inside:
            continue
        inner, by_name = inside[key]
        if isinstance(item, list):
            for number, one in enumerate(item):
                yield from _blocks(inner, one, (*path, key, number))
        elif by_name and isinstance(item, Mapping):
            for name, one in item.items():
                yield from _blocks(inner, one, (*path, key, name))
        else:
            yield from _blocks(inner, item, (*path, key))


@cache
def _keys(block: type[Block]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in block.model_fields.items()}


@cache
def _blocks_inside(block: type[Block]) -> dict[str, tuple[type[Block], bool]]:
    """The keys that hold blocks: which kind, and whether the key maps names to them."""
    return {
        key: (inner, getattr(field.annotation, "__origin__", None) is dict)
        for key, field in _keys(block).items()
        if (inner := _block_of(field.annotation))
    }


def _block_of(annotation: Any) -> type[Block] | None:
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return annotation
    return next((block for part in get_args(annotation) if (block := _block_of(part))), None)


def _where_known(key: str) -> str:
    """Where a key belongs that stands in the wrong block."""
    places: dict[str, type[Block]] = {
        "'retry'": Retry,
        "'handler'": HandlerSpec,
        "a step": StepTemplate,
        "the template itself": Template,
    }
    place = next((name for name, block in places.items() if key in _keys(block)), None)
    return f"; it belongs in {place}" if place else ""
