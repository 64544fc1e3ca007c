"""What there is to work with, as callers see it: templates, and the handlers that workers serve."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tasker_core.engine.catalog import Catalog
from tasker_core.engine.known import Known
from tasker_core.store import Store


class Listings:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store, self._catalog = store, catalog

    def templates(self, namespace: str | None = None) -> dict[str, Any]:
        """The templates that new tasks can be made of, and the namespaces that have some."""
        known = self._catalog.registered(namespace)
        counts = Counter(each.template.namespace_name for each in known)
        return {
            "namespaces": [{"name": name, "template_count": count} for name, count in sorted(counts.items())],
            "templates": [_brief(each) for each in known],
            "total_count": len(known),
        }

    def template(self, namespace: str, name: str, version: str) -> dict[str, Any]:
        """One template with all that it says, and its steps as they are in the environment.

        Raises UnknownTemplateError.
        """
        known = self._catalog.find(namespace, name, version)
        steps = [
            {
                "name": step.name,
                "description": step.description,
                "step_type": step.type,
                "handler": step.handler.callable,
                "dependencies": list(step.dependencies),
                "compensated_by": step.compensate.handler.callable if step.compensate else None,
                "default_retryable": step.retry_policy.retryable,
                "default_max_attempts": step.retry_policy.max_attempts,
            }
            for step in known.template.steps
        ]
        return _brief(known) | {
            "configuration": known.written.content(),
            "environment": known.environment,
            "steps": steps,
        }

    def handlers(self) -> list[dict[str, Any]]:
        """The handlers that live workers serve, and how many workers each."""
        lanes = self._served()
        split = ((*lane.split("/", 1), count) for lane, count in sorted(lanes.items()))
        return [{"namespace": namespace, "callable": name, "workers": count} for namespace, name, count in split]

    def _served(self) -> Counter[str]:
        """The lanes of the live workers, and how many serve each."""
        return Counter(lane for worker in self._store.workers.live() for lane in json.loads(worker.lanes))

    def readiness(self, namespace: str, name: str, version: str) -> dict[str, Any]:
        """Whether live workers serve all that a template's steps need. Raises UnknownTemplateError."""
        known = self._catalog.find(namespace, name, version)
        lanes = self._served()
        steps = [
            {"name": step.name, "handler": step.handler.callable, "workers": lanes[lane]}
            for step, lane in zip(known.template.every_step, known.lanes, strict=True)
        ]
        return {**_named(known), "valid": all(step["workers"] for step in steps), "steps": steps}


def _named(known: Known) -> dict[str, Any]:
    template = known.template
    return {"name": template.name, "namespace": template.namespace_name, "version": template.version}


def _brief(known: Known) -> dict[str, Any]:
    return {**_named(known), "description": known.template.description, "step_count": len(known.template.steps)}
