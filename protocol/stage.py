"""The scripted server's mind: which leases it gives, what it answers, and all that it was asked.

It is a server of the protocol that keeps its word, in memory and without steps: rules of the case make it lose answers,
refuse, or be away. What is asked is kept as events, which the moves of the case wait for.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.leases import Lease
from protocol.patterns import mismatch, same
from protocol.rules import LOST, Answer, Rule, refusal

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
        self.directive = "run"
        self.extra: Body = {}

    # What the moves of a case say.

    def give(self, leases: Iterable[Lease]) -> None:
        with self.changed:
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

    # What a worker asks.

    def version(self, headers: Body) -> Answer:
        with self.changed:
            return self._answered(self._note("version", headers=headers), self._features)

    def _features(self) -> Answer:
        limits = {key: value for key, value in self.settings.items() if key.startswith("max_")}
        return Answer(200, {"min": 1, "max": 1, "features": FEATURES, "limits": {**limits, "max_body_bytes": 4194304}})

    def register(self, body: Body, headers: Body) -> Answer:
        with self.changed:
            instance = str(body.get("instance_id"))
            event = self._note("register", headers=headers, known=instance in self.instances, **body)
            self.instances.add(instance)
            return self._answered(event, lambda: self._registered(body))

    def _registered(self, body: Body) -> Answer:
        instance = str(body.get("instance_id"))
        known = next((each for each in self.workers.values() if each.instance_id == instance), None)
        status = 200 if known else 201
        if known is None:
            known = Known(str(uuid.uuid4()), instance)
            self.workers[known.worker_id] = known
        served = [{"namespace": "conformance", "callable": each.get("callable")} for each in body.get("handlers") or ()]
        told = {"worker_id": known.worker_id, "features": FEATURES, "served": served, "templates": "1"}
        return Answer(status, {**self.settings, **told, **self.extra})

    def claim(self, worker: str, body: Body, gone: Callable[[], bool]) -> Answer:
        """The long poll, until there is something or the time is up; ``gone``: nobody waits for the answer any more."""
        with self.changed:
            event = self._note("claim", by="poll", worker=worker, **body)
            self.polls.append(event)
            try:
                return self._polled(worker, body, event, gone)
            finally:
                self.polls.remove(event)

    def _polled(self, worker: str, body: Body, event: Event, gone: Callable[[], bool]) -> Answer:
        known, end = self.workers.get(worker), time.monotonic() + _wait_ms(body, self.settings) / 1000
        if known:
            known.polls += 1
        poll = known.polls if known else 0
        while True:
            if (rule := self._rule(event)) and rule.lose != "answer":
                return self._use(rule, event)
            if worker not in self.workers or known is None:
                return refusal(404, "WORKER_UNKNOWN")
            if gone() or known.polls != poll:
                return Answer(204, None)
            leases = self._claimed(known, body)
            if leases or self.directive != "run":
                answer = Answer(200, self._told(leases))
                return self._lost_with(rule, leases, event) if rule and leases else answer
            left = end - time.monotonic()
            if left <= 0:
                return Answer(204, None)
            self.changed.wait(min(left, 0.02))

    def _lost_with(self, rule: Rule, leases: list[Lease], *events: Event) -> Answer:
        """The worker can't name what it never heard of: it has all the time to ask again."""
        for lease in leases:
            lease.claimed = float("inf")
        return self._use(rule, *events)

    def _claimed(self, known: Known, body: Body) -> list[Lease]:
        asked = known.claimed.setdefault(str(body.get("request_id")), [])
        again = [lease for lease in asked if lease.state == "open"]
        for lease in again:
            lease.claimed = time.monotonic()
        while self.waiting and len(again) < int(body.get("max") or 0) and self.directive == "run":
            lease = self.waiting.pop(0)
            lease.go_to(known.worker_id)
            asked.append(lease)
            again.append(lease)
            self.leases.append(lease)
        return again

    def _told(self, leases: list[Lease]) -> Body:
        return {
            "leases": [lease.body for lease in leases],
            "more": bool(self.waiting),
            "directive": self.directive,
            **self.extra,
        }

    def heartbeat(self, worker: str, body: Body) -> Answer:
        with self.changed:
            ids = [each.get("lease_id") for each in body.get("leases") or ()]
            named = [lease.name for lease in self.leases if lease.lease_id in ids]
            event = self._note("heartbeat", worker=worker, **{**body, "leases": named})
            return self._answered(event, lambda: self._beaten(worker, ids))

    def _beaten(self, worker: str, ids: list[str]) -> Answer:
        if (known := self.workers.get(worker)) is None:
            return refusal(404, "WORKER_UNKNOWN")
        before = known.beats[-1] if known.beats else float("-inf")
        known.beats.append(time.monotonic())
        held = {lease.lease_id: lease for lease in self.leases if lease.worker == worker}
        for lease in held.values():
            if lease.state == "open" and lease.lease_id not in ids and lease.claimed < before:
                lease.end("lost")
                self.waiting.append(lease.anew())
                self._note("unnamed", of=lease.name)
        told = [{"lease_id": each, "status": held[each].status if each in held else "lost"} for each in ids]
        answer = {"leases": told, "directive": self.directive, "lease_ms": self.settings["lease_ms"], "templates": "1"}
        return Answer(200, {**answer, **self.extra})

    def report(self, lease_id: str, op: str, body: Body) -> Answer:
        with self.changed:
            event = self._reported({**body, "op": op, "lease_id": lease_id}, "lease")
            return self._answered(event, lambda: self._settled(event))

    def reports(self, worker: str, body: Body) -> Answer:
        with self.changed:
            events = [self._reported(each, "batch") for each in body.get("reports") or ()]
            claim = body.get("claim")
            asked = [self._note("claim", by="reports", worker=worker, **claim)] if claim else []
            rules = [rule for event in (*events, *asked) if (rule := self._rule(event)) and not rule.one]
            if rules and rules[0].lose != "answer":
                return self._use(rules[0], *events, *asked)
            if (known := self.workers.get(worker)) is None:
                return refusal(404, "WORKER_UNKNOWN")
            leases = self._claimed(known, claim) if claim else []
            loses = [rule for rule in rules if leases or any(self._rule(event) is rule for event in events)]
            results = [self._result(event, heard=not loses) for event in events]
            answer = Answer(200, {"results": results, **self._told(leases)})
            return self._lost_with(loses[0], leases, *events, *asked) if loses else answer

    def results(self, lease_id: str, body: Body) -> Answer:
        with self.changed:
            return self._answered(
                self._note("results", lease_id=lease_id, **body),
                lambda: Answer(200, {"found": False, "result": None}),
            )

    def delete(self, worker: str) -> Answer:
        with self.changed:
            return self._answered(self._note("delete", worker=worker), lambda: self._deleted(worker))

    def _deleted(self, worker: str) -> Answer:
        if self.workers.pop(worker, None) is None:
            return refusal(404, "WORKER_UNKNOWN")
        held = [lease for lease in self.leases if lease.worker == worker and lease.state == "open"]
        for lease in held:
            lease.end("lost")
        return Answer(200, {"released": len(held)})

    # How it answers.

    def _note(self, on: str, **more: Any) -> Event:
        event: Event = {**more, "on": on, "at": time.monotonic()}
        self.events.append(event)
        self.changed.notify_all()
        return event

    def _reported(self, report: Body, by: str) -> Event:
        lease = self._lease(report)
        again = lease is not None and lease.heard
        return self._note("report", **{**report, "of": lease.name if lease else None, "by": by, "again": again})

    def _lease(self, report: Body) -> Lease | None:
        return next((each for each in self.leases if each.lease_id == report.get("lease_id")), None)

    def _rule(self, event: Event) -> Rule | None:
        return next((rule for rule in self.rules if rule.left and mismatch(rule.to, event) is None), None)

    def _use(self, rule: Rule, *events: Event) -> Answer:
        """What the rule says to these requests; they show it, as ``refused``: a status, or 0 where nothing comes."""
        rule.left -= 1
        answer = rule.refuse or LOST
        for event in events:
            event["refused"] = answer.status
        self.changed.notify_all()
        return answer

    def _answered(self, event: Event, ordinary: Callable[[], Answer]) -> Answer:
        rule = self._rule(event)
        if rule is None:
            return self._heard(event, ordinary())
        if rule.lose == "answer":
            ordinary()
        return self._heard(event, self._use(rule, event))

    def _result(self, event: Event, heard: bool) -> Body:
        rule = self._rule(event)
        answer = self._use(rule, event) if rule and rule.one else self._settled(event)
        if heard:
            self._heard(event, answer)
        body = answer.body or {}
        result: Body = {"lease_id": event.get("lease_id"), "status": answer.status}
        return {**result, "replayed": body["replayed"]} if "replayed" in body else {**result, **body.get("error", {})}

    def _heard(self, event: Event, answer: Answer) -> Answer:
        """A report that was answered for good: whoever reports the lease again wasn't listening."""
        lease = self._lease(event)
        if event["on"] == "report" and lease and answer.status in (200, 404, 409):
            lease.heard = True
            lease.end("lost")
        return answer

    def _settled(self, event: Event) -> Answer:
        lease = self._lease(event)
        if lease is None or lease.token != event.get("token"):
            return refusal(404, "LEASE_UNKNOWN")
        report = {key: value for key, value in event.items() if key not in ("on", "at", "of", "by", "again", "refused")}
        if lease.state == "settled" and same(lease.report, report):
            return Answer(200, {"accepted": True, "replayed": True})
        if lease.state != "open":
            return refusal(409, "TASK_CANCELLED" if lease.state == "cancelled" else "LEASE_LOST")
        if lease.is_too_large(report, self.settings["max_payload_bytes"]):
            return refusal(413, "PAYLOAD_TOO_LARGE")
        lease.report = report
        lease.end("settled")
        return Answer(200, {"accepted": True, "replayed": False})


FEATURES = ["batched_reports", "checkpoints", "events"]


def _wait_ms(body: Body, settings: Body) -> float:
    return float(min(body.get("wait_ms") or 0, settings["max_wait_ms"]))
