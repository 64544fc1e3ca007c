"""Templates with a batch, and what their analyzers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.rules.template import Template

NOTHING = {"batch_processing_outcome": {"type": "no_batches"}}


def template_of(*steps: Mapping[str, Any]) -> Template:
    """The template ``shop/order`` of these steps, each with a handler of its name."""
    of_all = [{"handler": {"callable": step["name"]}, **step} for step in steps]
    return Template.from_content({"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": of_all})


def batching(
    converging: str = "deferred_convergence", worker: Mapping[str, Any] | None = None, **config: Any
) -> Template:
    """The template of analyze -> process -> total -> tell, with this ``batch_config`` of the analyzer."""
    return template_of(
        {"name": "analyze", "type": "batchable", "batch_config": {"worker_template": "process", **config}},
        {"name": "process", "type": "batch_worker", "dependencies": ["analyze"], **(worker or {})},
        {"name": "total", "type": converging, "dependencies": ["process"]},
        {"name": "tell", "dependencies": ["total"]},
    )


def cursors(count: int) -> Sequence[Mapping[str, Any]]:
    """So many pieces of ten items."""
    return [
        {"batch_id": f"{no:03d}", "start_cursor": no * 10 - 10, "end_cursor": no * 10, "batch_size": 10}
        for no in range(1, count + 1)
    ]


def cut(count: int, worker: str = "process", **changes: Any) -> dict[str, Any]:
    """The result of an analyzer that cut its work into ``count`` pieces."""
    outcome = {"type": "create_batches", "worker_template_name": worker, "cursor_configs": cursors(count)}
    return {"batch_processing_outcome": {**outcome, "worker_count": count, "total_items": count * 10, **changes}}
