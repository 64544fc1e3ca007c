"""What the scripted server has to give and was asked, and what the moves of a case have it do otherwise.

What is asked is kept as events, which the moves wait for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.leases import Lease
from protocol.patterns import mismatch
from protocol.rules import LOST, Answer, Rule
from protocol.templates import template_of

Event = dict[str, Any]
Body = dict[str, Any]

DEFAULTS: Body = {
    "lease_ms": 5000,
    "heartbeat_ms": 100,
    "max_wait_ms": 1000,
    "max_claim": 200,
    "max_reports": 200,
    "max_payload_bytes": 1048576,
}


@dataclass
class Known:
    """A worker that registered: its heartbeats, and what its claims brought."""

    worker_id: str
    instance_id: str
    polls: int = 0
    beats: list[float] = field(default_factory=list)
    claimed: dict[str, list[Lease]] = field(default_factory=dict)


class Stage:
    """All methods may be called by any thread."""

    def __init__(self, settings: Mapping[str, Any] = {}) -> None:
        self.settings: Body = {**DEFAULTS, **settings}
        self.changed = threading.Condition()
        self.events: list[Event] = []
        self.polls: list[Event] = []
        self.rules: list[Rule] = []
        self.workers: dict[str, Known] = {}
        self.instances: set[str] = set()
        self.leases: list[Lease] = []
        self.waiting: list[Lease] = []
        self.templates: dict[str, Body] = {}
        self.directive = "run"
        self.extra: Body = {}

    # What the moves of a case say.

    def give(self, leases: Iterable[Lease]) -> None:
        leases = list(leases)
        with self.changed:
            self.templates.update((lease.body["template"]["id"], template_of(lease.body)) for lease in leases)
            self.waiting.extend(leases)
            self.changed.notify_all()

    def add(self, rule: Rule) -> None:
        with self.changed:
            self.rules.append(rule)
            self.changed.notify_all()

    def direct(self, directive: str) -> None:
        with self.changed:
            self.directive = directive
            self.changed.notify_all()

    def forget(self) -> None:
        """The server has given its workers up: their leases are lost."""
        with self.changed:
            self.workers.clear()
            for lease in self.leases:
                lease.end("lost")
            self.changed.notify_all()

    def clear(self) -> None:
        """Begin anew with another case: what was given is lost, what was asked is forgotten but for polls that wait."""
        with self.changed:
            for lease in self.leases:
                lease.end("lost")
            self.events, self.rules, self.waiting, self.leases = list(self.polls), [], [], []
            self.directive, self.extra = "run", {}

    def wait_for(self, find: Callable[[list[Event]], Event | None], seconds: float) -> Event | None:
        """The event that ``find`` finds among all of the case, as soon as there is one."""
        end = time.monotonic() + seconds
        with self.changed:
            while (found := find(self.events)) is None:
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)
            return found

    # What those who answer ask and say.

    def note(self, on: str, **more: Any) -> Event:
        event: Event = {**more, "on": on, "at": time.monotonic()}
        self.events.append(event)
        self.changed.notify_all()
        return event

    def lease_of(self, report: Body) -> Lease | None:
        return next((each for each in self.leases if each.lease_id == report.get("lease_id")), None)

    def rule_for(self, event: Event) -> Rule | None:
        return next((rule for rule in self.rules if rule.left and mismatch(rule.to, event) is None), None)

    def use(self, rule: Rule, *events: Event) -> Answer:
        """What the rule says to these requests; they show it, as ``refused``: a status, or 0 where nothing comes."""
        rule.left -= 1
        answer = rule.refuse or LOST
        for event in events:
            event["refused"] = answer.status
        self.changed.notify_all()
        return answer
