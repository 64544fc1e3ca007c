"""What two schemas say otherwise: that of a result against that of who takes it, and an old one against a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tasker_core.check.schemas import DEEPEST, Schema, Shape, takes, whole
from tasker_core.rules.template import Template


class Deviation(NamedTuple):
    """One thing that is otherwise. ``is_breaking``: what was written against the other schema may fail."""

    code: str
    path: str
    text: str
    is_breaking: bool


class Field(NamedTuple):
    """A property somewhere in a schema: its types, None where these can't be told, and whether it must be there."""

    types: frozenset[str] | None
    required: bool


def compare(producer: Schema, consumer: Schema) -> list[Deviation]:
    """Where what ``producer`` describes doesn't fit what ``consumer`` expects.

    >>> made = {"type": "object", "properties": {"total": {"type": "string"}, "note": {}}}
    >>> taken = {"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}}
    >>> [(each.code, each.path) for each in compare(made, taken)]
    [('TYPE_MISMATCH', 'total'), ('EXTRA_PRODUCER_FIELD', 'note')]
    """
    made, taken = dict(_fields(whole(producer))), dict(_fields(whole(consumer)))
    found: list[Deviation] = []
    for path, field in taken.items():
        there = made.get(path)
        if there is None:
            code = "MISSING_REQUIRED_FIELD" if field.required else "MISSING_OPTIONAL_FIELD"
            found.append(Deviation(code, path, f"{path} is expected, and isn't made", field.required))
        elif not _fits(there.types, field.types):
            text = f"{path} is made as {_said(there)}, and expected as {_said(field)}"
            found.append(Deviation("TYPE_MISMATCH", path, text, True))
    found += [
        Deviation("EXTRA_PRODUCER_FIELD", path, f"{path} is made, and nobody expects it", False)
        for path in made if path not in taken
    ]  # fmt: skip
    return found


def changes(old: Template, new: Template) -> list[Deviation]:
    """What the schemas of ``new`` say otherwise than those of ``old``, step by step; removals and other types break."""
    before = {step.name: step.result_schema for step in old.steps}
    after = {step.name: step.result_schema for step in new.steps}
    found = [Deviation("STEP_REMOVED", name, f"step {name!r} is gone", True) for name in before if name not in after]
    found += [Deviation("STEP_ADDED", name, f"step {name!r} is new", False) for name in after if name not in before]
    schemas = {"input": (old.input_schema, new.input_schema)}
    schemas |= {name: (before[name], after[name]) for name in after if name in before}
    for place, (was, now) in schemas.items():
        if was is None and now is not None:
            found.append(Deviation("SCHEMA_ADDED", place, f"{place} has a schema now", False))
        elif was is not None and now is None:
            found.append(Deviation("SCHEMA_REMOVED", place, f"{place} has no schema any more", True))
        elif was is not None and now is not None:
            found += _changed(place, dict(_fields(whole(was))), dict(_fields(whole(now))), taken=place == "input")
    return found


def _changed(place: str, was: Mapping[str, Field], now: Mapping[str, Field], *, taken: bool) -> Iterator[Deviation]:
    """Of what is ``taken`` from callers, a field that must be there breaks; of a result, one that needn't be."""
    for field in was:
        if field not in now:
            yield Deviation("FIELD_REMOVED", f"{place}.{field}", f"{place}.{field} is gone", not taken)
    for field, new in now.items():
        path, old = f"{place}.{field}", was.get(field)
        if old is None:
            yield Deviation("FIELD_ADDED", path, f"{path} is new", taken and new.required)
            continue
        if old.types != new.types:
            yield Deviation("TYPE_CHANGED", path, f"{path} was {_said(old)}, and is {_said(new)}", True)
        if old.required and not new.required:
            yield Deviation("REQUIRED_TO_OPTIONAL", path, f"{path} needn't be there any more", not taken)
        if new.required and not old.required:
            yield Deviation("OPTIONAL_TO_REQUIRED", path, f"{path} must be there now", taken)


def _fields(shape: Shape, path: str = "", *, required: bool = True, depth: int = 0) -> Iterator[tuple[str, Field]]:
    """Every property of an object, of objects in it, and of the objects in its lists, by its path."""
    if depth > DEEPEST:
        return
    for name in shape.properties:
        inner = shape.field(name)
        if inner is None:
            continue
        here = f"{path}.{name}" if path else name
        is_required = required and name in shape.required
        yield here, Field(inner.types(), is_required)
        yield from _fields(inner, here, required=is_required, depth=depth + 1)
        if (items := inner.step_into(0)) is not None:
            yield from _fields(items, f"{here}[]", required=is_required, depth=depth + 1)


def _fits(made: frozenset[str] | None, taken: frozenset[str] | None) -> bool:
    """What can't be told isn't known not to fit."""
    return not made or not taken or all(takes(kind) & taken for kind in made)


def _said(field: Field) -> str:
    return " or ".join(sorted(field.types or ())) or "anything"
