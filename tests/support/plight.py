"""A place in which a task gets stuck, made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.rules.template import Template
from tasker_core.words import Lease
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish

ORDER = {"cart": [], "pay": ["cart"], "stock": ["cart"], "ship": ["pay", "stock"], "thank": ["ship"]}
PATIENT = {"max_attempts": 5, "backoff_base_ms": 600_000, "max_backoff_ms": 3_600_000, "jitter": 0}
SLOTS = 10


@dataclass
class Plight:
    """A place in which a task gets stuck: an engine and its clock, and a worker unless it is said otherwise."""

    engine: Engine
    clock: ManualClock
    crew: list[Hands] = field(default_factory=list)
    task: str = ""

    def create(self, template: Template | None = None, **wishes: Any) -> str:
        template = template or flow(ORDER, retry=PATIENT)
        self.engine.catalog.register(template, replace=True)
        (made,) = self.engine.create([wish(self.engine, context={"of": self.engine.ids.new()}, **wishes)])
        self.task = made.task
        return made.task

    def worker(self, *lanes: str, name: str = "blue") -> Hands:
        """A worker of another machine, which serves ``lanes``, or those of all templates."""
        hands = Hands(self.engine, AWAY, name=name)
        every = [lane for known in self.engine.catalog.current() for lane in known.lanes]
        self.engine.store.workers.serve(hands.number, lanes or every)
        self.crew.append(hands)
        return hands

    def claim(self, *steps: str) -> dict[str, Lease]:
        """What is ready, at the worker; of ``steps`` alone, and the rest goes back."""
        leases = self.crew[0].claim()
        back = [lease.key for name, lease in leases.items() if steps and name not in steps]
        self.engine.give_back(self.crew[0].number, back, "not now")
        return {name: lease for name, lease in leases.items() if not steps or name in steps}

    def done(self, *steps: str) -> None:
        """These steps are done, one after the other."""
        for step in steps:
            self.crew[0].report(ok(self.claim(step)[step]))

    def fail(self, step: str, message: str = "declined", *, retryable: bool = False, **how: Any) -> None:
        self.crew[0].report(failed(self.claim(step)[step], message, retryable=retryable, **how))

    def beat(self) -> None:
        for hands in self.crew:
            self.engine.beat(hands.number, [])


def started(plight: Plight, template: Template | None = None) -> Plight:
    plight.create(template)
    plight.worker()
    return plight
