"""What a worker can serve: for each step of each template, the handler that runs it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

from tasker_core.engine import Known
from tasker_core.errors import ResolutionError
from tasker_core.registry import HandlerDefinition, HandlerRegistry
from tasker_core.registry.lookup import ResolvedHandler
from tasker_core.registry.template_check import method_missing
from tasker_core.rules.template import StepTemplate
from tasker_core.words import Lease, lane_of
from tasker_core.worker.attempt import Plan

log = logging.getLogger("tasker.worker")


class Serving:
    """Handlers of one registry against the templates of the store.

    ``own`` are the callables of template files on this worker's own disk: only those may be imported by their path.
    ``handler_timeout`` is the time limit, in seconds, of steps whose template names none.
    """

    def __init__(
        self,
        registry: HandlerRegistry,
        own: Collection[str] = (),
        namespaces: Collection[str] | None = None,
        handler_timeout: float | None = None,
    ) -> None:
        self._registry = registry
        self._own = frozenset(own)
        self._namespaces = frozenset(namespaces) if namespaces else None
        self._handler_timeout = handler_timeout
        self._plans: dict[tuple[str, int], Plan] = {}
        self._revision = registry.revision
        self.lanes: frozenset[str] = frozenset()
        self.lanes_in_order: Sequence[str] = ()
        self.wants: dict[str, Sequence[str]] = {}
        self.missing: dict[str, str] = {}
        """Steps that this worker can't serve, "namespace/template/step" -> why."""
        self._odd: dict[str, str] = {}

    @property
    def is_outdated(self) -> bool:
        """Have handlers been registered or withdrawn since the last look?"""
        return self._registry.revision != self._revision

    def refresh(self, templates: Iterable[Known]) -> bool:
        """Look at the templates again; True when the served lanes changed. A step that can't be served is reported."""
        if self.is_outdated:
            self._revision = self._registry.revision
            self._plans = {}
        lanes: set[str] = set()
        wants: dict[str, set[str]] = {}
        missing: dict[str, str] = {}
        odd: dict[str, str] = {}
        for known in templates:
            template = known.template
            if self._namespaces is not None and template.namespace_name not in self._namespaces:
                continue
            for step in template.every_step:
                lane = lane_of(template.namespace_name, step.handler.callable)
                place = f"{template.namespace_name}/{template.name}/{step.name}"
                try:
                    handler = self._find(step)
                except ResolutionError as error:
                    missing.setdefault(place, str(error))
                    continue
                if handler.method_missing:
                    odd[place] = method_missing(step, handler)
                lanes.add(lane)
                wants.setdefault(lane, set()).update(getattr(handler.handler, "declared_dependencies", ()))
        for name, why in missing.items():
            if self.missing.get(name) != why:
                log.warning("step %s isn't served by this worker: %s", name, why)
        for name, what in odd.items():
            if self._odd.get(name) != what:
                log.warning("%s", what)
        self.missing, self._odd = missing, odd
        self.wants = {lane: tuple(sorted(names)) for lane, names in wants.items() if names}
        changed = lanes != self.lanes
        self.lanes = frozenset(lanes)
        self.lanes_in_order = tuple(sorted(lanes))
        return changed

    def plan(self, lease: Lease, known: Known) -> Plan:
        """How to run the leased step of ``known``. Raises ResolutionError when its handler can't be found any more."""
        place = known.place(lease.key.no)
        plan = self._plans.get((lease.template, place))
        if plan is None:
            plan = self._plans[lease.template, place] = self._make_plan(known, known.step(lease.key.no))
        return plan

    def _make_plan(self, known: Known, step: StepTemplate) -> Plan:
        template = known.template
        handler, settings = self._find(step), dict(step.handler.initialization)
        if step.type == "batch_worker":
            settings["__template_step_name"] = step.name
        return Plan(
            make=lambda: handler.make(settings),
            is_async=handler.is_async,
            handler_name=step.handler.callable,
            task_name=template.name,
            namespace=template.namespace_name,
            version=template.version,
            settings=settings,
            max_attempts=step.retry_policy.max_attempts,
            timeout=step.timeout_seconds or self._handler_timeout,
            publishes=step.publishes_events,
            retry=step.retry_policy,
            max_crashes=step.max_crashes,
            may_repeat=step.retry_policy.retryable and step.retry_policy.max_attempts > 1,
        )

    def _find(self, step: StepTemplate) -> ResolvedHandler:
        asked = step.handler
        definition = HandlerDefinition(asked.callable, asked.method, asked.resolver, dict(asked.initialization))
        return self._registry.lookup(definition, allow_import=asked.callable in self._own)
