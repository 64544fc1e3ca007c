"""The templates that the scripted server's leases are of, for workers that read templates themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HANDLERS = ("echo", "numbers", "big", "retryable", "permanent", "crash", "sleep", "effect", "count")


def every_handler() -> dict[str, Any]:
    """A template with a step for each handler of a conformance worker."""
    steps = [{"name": name, "handler": {"callable": f"conformance.{name}"}} for name in HANDLERS]
    return _told("00000000-0000-4000-8000-000000000000", "conformance", steps)


def template_of(lease: Mapping[str, Any]) -> dict[str, Any]:
    """The template that says of the lease's step what the lease says."""
    handler = {"callable": lease["handler"], "initialization": lease["step_config"]}
    before = list(lease["dependency_results"])
    step: dict[str, Any] = {"name": lease["step"], "handler": handler, "dependencies": before}
    step["retry"] = {"max_attempts": lease["max_attempts"]}
    if lease["timeout_ms"] is not None:
        step["timeout_seconds"] = lease["timeout_ms"] / 1000
    others = [{"name": name, "handler": {"callable": "conformance.echo"}} for name in before]
    template = lease["template"]
    return _told(template["id"], template["name"], [step, *others])


def _told(template: str, name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    content = {"name": name, "namespace_name": "conformance", "version": "1.0.0", "steps": steps}
    return {"id": template, "content": content, "environment": "development", "enforces_schemas": False}
