"""Templates written as graphs: ``{"cart": [], "pay": ["cart"]}`` is two steps, each with its parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAMESPACE = "shop"
QUICK = {"max_attempts": 3, "backoff": "none", "backoff_base_ms": 10}


def flow(
    graph: Mapping[str, Sequence[str]],
    *,
    name: str = "flow",
    version: str = "1.0.0",
    namespace: str = NAMESPACE,
    also: Mapping[str, Any] | None = None,
    **steps: Mapping[str, Any],
) -> dict[str, Any]:
    """A template of ``graph``. A step's handler has the step's name and its retries come at once; ``steps`` replaces
    keys of the step that is named so, ``also`` are further keys of the template.
    """
    return {
        "name": name,
        "namespace_name": namespace,
        "version": version,
        "steps": [
            {
                "name": step,
                "handler": {"callable": step},
                "dependencies": list(parents),
                "retry": dict(QUICK),
                **steps.get(step, {}),
            }
            for step, parents in graph.items()
        ],
        **(also or {}),
    }
