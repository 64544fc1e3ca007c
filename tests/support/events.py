"""Templates whose steps publish events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.rules.template import Template

ANYTHING: Mapping[str, Any] = {"type": "object"}
CONDITIONS = ("success", "failure", "retryable_failure", "permanent_failure", "always")


def event(
    name: str, condition: str = "success", mode: str = "durable", publisher: str | None = None,
    schema: Mapping[str, Any] = ANYTHING,
) -> dict[str, Any]:  # fmt: skip
    """An entry of ``publishes_events``."""
    told = {"name": name, "description": name, "schema": dict(schema), "condition": condition, "delivery_mode": mode}
    return {**told, "publisher": publisher} if publisher else told


EACH_CONDITION = [event(f"pay.{condition}", condition) for condition in CONDITIONS]
"""An event for each condition, named after it."""


def paying(events: Sequence[Mapping[str, Any]], namespace: str = "shop", **step: Any) -> Template:
    """The template ``order`` with a single step, ``pay``, which publishes ``events``."""
    pay = {"name": "pay", "handler": {"callable": "pay"}, "publishes_events": list(events), **step}
    return Template.from_content({"name": "order", "namespace_name": namespace, "version": "1.0.0", "steps": [pay]})
