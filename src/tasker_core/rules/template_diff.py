"""What changed between two contents of a template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasker_core.rules.template import Template

_LONGEST = 80


def difference(old: Template, new: Template) -> list[str]:
    """One line for each thing that ``new`` says otherwise than ``old``; [] if they say the same.

    A step is compared with the step of the same name; what stands at its default is shown as ``default``.

    >>> def order(attempts):
    ...     step = {"name": "pay", "handler": {"callable": "pay"}, "retry": {"max_attempts": attempts}}
    ...     return Template.from_content(
    ...         {"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": [step]}
    ...     )
    >>> difference(order(2), order(5))
    ["step 'pay': retry.max_attempts: 2 -> 5"]
    """
    before, after = old.content(), new.content()
    old_steps = {step["name"]: step for step in before.pop("steps")}
    new_steps = {step["name"]: step for step in after.pop("steps")}
    lines = _changes(before, after)
    lines += [f"step {name!r} is gone" for name in old_steps if name not in new_steps]
    lines += [f"step {name!r} is added" for name in new_steps if name not in old_steps]
    common = [name for name in new_steps if name in old_steps]
    for name in common:
        lines += [f"step {name!r}: {line}" for line in _changes(old_steps[name], new_steps[name])]
    if common != [name for name in old_steps if name in new_steps]:
        lines.append("the steps stand in another order")
    return lines


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    old, new = dict(_leaves(before)), dict(_leaves(after))
    keys = [*old, *(key for key in new if key not in old)]
    return [
        f"{key}: {_shown(old, key)} -> {_shown(new, key)}"
        for key in keys
        if key not in old or key not in new or _as_json(old[key]) != _as_json(new[key])
    ]


def _leaves(content: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    """Every value that isn't a mapping, by its dotted path; an empty mapping counts as a value."""
    leaves: list[tuple[str, Any]] = []
    for key, value in content.items():
        here = f"{path}.{key}" if path else key
        leaves += _leaves(value, here) if isinstance(value, Mapping) and value else [(here, value)]
    return leaves


def _shown(leaves: Mapping[str, Any], key: str) -> str:
    if key not in leaves:
        return "default" if _is_template_key(key) else "nothing"
    text = _as_json(leaves[key])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _is_template_key(key: str) -> bool:
    free = ("handler.initialization.", "default_context.", "default_options.", "input_schema.", "result_schema.")
    return not key.startswith(free)


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
