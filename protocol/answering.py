"""How the scripted server answers: as a server that keeps its word, in memory and without steps, but for the rules of
the case, which have it refuse and lose answers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from protocol.leases import Lease
from protocol.patterns import same
from protocol.rules import Answer, Rule, refusal
from protocol.stage import Body, Event, Known, Stage
from protocol.templates import every_handler

FEATURES = ["batched_reports", "checkpoints", "events"]


class Answering:
    """A method for each thing that a worker may ask; any thread may call them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def version(self, headers: Body) -> Answer:
        with self.stage.changed:
            return self._answered(self.stage.note("version", headers=headers), self._features)

    def _features(self) -> Answer:
        limits = {key: value for key, value in self.stage.settings.items() if key.startswith("max_")}
        return Answer(200, {"min": 1, "max": 1, "features": FEATURES, "limits": {**limits, "max_body_bytes": 4194304}})

    def templates(self, only: str | None) -> Answer:
        with self.stage.changed:
            there = [every_handler(), *self.stage.templates.values()]
            return Answer(200, [each for each in there if only in (None, each["id"])])

    def register(self, body: Body, headers: Body) -> Answer:
        with self.stage.changed:
            instance = str(body.get("instance_id"))
            event = self.stage.note("register", headers=headers, known=instance in self.stage.instances, **body)
            self.stage.instances.add(instance)
            return self._answered(event, lambda: self._registered(body))

    def _registered(self, body: Body) -> Answer:
        instance = str(body.get("instance_id"))
        known = next((each for each in self.stage.workers.values() if each.instance_id == instance), None)
        status = 200 if known else 201
        if known is None:
            known = Known(str(uuid.uuid4()), instance)
            self.stage.workers[known.worker_id] = known
        served = [{"namespace": "conformance", "callable": each.get("callable")} for each in body.get("handlers") or ()]
        told = {"worker_id": known.worker_id, "features": FEATURES, "served": served, "templates": "1"}
        return Answer(status, {**self.stage.settings, **told, **self.stage.extra})

    def claim(self, worker: str, body: Body, gone: Callable[[], bool]) -> Answer:
        """The long poll, until there is something or the time is up; ``gone``: nobody waits for the answer any more."""
        with self.stage.changed:
            event = self.stage.note("claim", by="poll", worker=worker, **body)
            self.stage.polls.append(event)
            try:
                return self._polled(worker, body, event, gone)
            finally:
                self.stage.polls.remove(event)

    def _polled(self, worker: str, body: Body, event: Event, gone: Callable[[], bool]) -> Answer:
        known, end = self.stage.workers.get(worker), time.monotonic() + _wait_ms(body, self.stage.settings) / 1000
        if known:
            known.polls += 1
        poll = known.polls if known else 0
        while True:
            if (rule := self.stage.rule_for(event)) and rule.lose != "answer":
                return self.stage.use(rule, event)
            if worker not in self.stage.workers or known is None:
                return refusal(404, "WORKER_UNKNOWN")
            if gone() or known.polls != poll:
                return Answer(204, None)
            leases = self._claimed(known, body)
            if leases or self.stage.directive != "run":
                answer = Answer(200, self._told(leases))
                return self._lost_with(rule, leases, event) if rule and leases else answer
            left = end - time.monotonic()
            if left <= 0:
                return Answer(204, None)
            self.stage.changed.wait(min(left, 0.02))

    def _lost_with(self, rule: Rule, leases: list[Lease], *events: Event) -> Answer:
        """The worker can't name what it never heard of: it has all the time to ask again."""
        for lease in leases:
            lease.claimed = float("inf")
        return self.stage.use(rule, *events)

    def _claimed(self, known: Known, body: Body) -> list[Lease]:
        asked = known.claimed.setdefault(str(body.get("request_id")), [])
        again = [lease for lease in asked if lease.state == "open"]
        for lease in again:
            lease.claimed = time.monotonic()
        while self.stage.waiting and len(again) < int(body.get("max") or 0) and self.stage.directive == "run":
            lease = self.stage.waiting.pop(0)
            lease.go_to(known.worker_id)
            asked.append(lease)
            again.append(lease)
            self.stage.leases.append(lease)
        return again

    def _told(self, leases: list[Lease]) -> Body:
        return {
            "leases": [lease.body for lease in leases],
            "more": bool(self.stage.waiting),
            "directive": self.stage.directive,
            **self.stage.extra,
        }

    def heartbeat(self, worker: str, body: Body) -> Answer:
        with self.stage.changed:
            ids = [each.get("lease_id") for each in body.get("leases") or ()]
            named = [lease.name for lease in self.stage.leases if lease.lease_id in ids]
            event = self.stage.note("heartbeat", worker=worker, **{**body, "leases": named})
            return self._answered(event, lambda: self._beaten(worker, ids))

    def _beaten(self, worker: str, ids: list[str]) -> Answer:
        if (known := self.stage.workers.get(worker)) is None:
            return refusal(404, "WORKER_UNKNOWN")
        before = known.beats[-1] if known.beats else float("-inf")
        known.beats.append(time.monotonic())
        held = {lease.lease_id: lease for lease in self.stage.leases if lease.worker == worker}
        for lease in held.values():
            if lease.state == "open" and lease.lease_id not in ids and lease.claimed < before:
                lease.end("lost")
                self.stage.waiting.append(lease.anew())
                self.stage.note("unnamed", of=lease.name)
        told = [{"lease_id": each, "status": held[each].status if each in held else "lost"} for each in ids]
        answer = {
            "leases": told,
            "directive": self.stage.directive,
            "lease_ms": self.stage.settings["lease_ms"],
            "templates": "1",
        }
        return Answer(200, {**answer, **self.stage.extra})

    def report(self, lease_id: str, op: str, body: Body) -> Answer:
        with self.stage.changed:
            event = self._reported({**body, "op": op, "lease_id": lease_id}, "lease")
            return self._answered(event, lambda: self._settled(event))

    def reports(self, worker: str, body: Body) -> Answer:
        with self.stage.changed:
            events = [self._reported(each, "batch") for each in body.get("reports") or ()]
            claim = body.get("claim")
            asked = [self.stage.note("claim", by="reports", worker=worker, **claim)] if claim else []
            rules = [rule for event in (*events, *asked) if (rule := self.stage.rule_for(event)) and not rule.one]
            if rules and rules[0].lose != "answer":
                return self.stage.use(rules[0], *events, *asked)
            if (known := self.stage.workers.get(worker)) is None:
                return refusal(404, "WORKER_UNKNOWN")
            known.polls += 1 if claim else 0  # a poll that still waits ends
            leases = self._claimed(known, claim) if claim else []
            loses = [rule for rule in rules if leases or any(self.stage.rule_for(event) is rule for event in events)]
            results = [self._result(event, heard=not loses) for event in events]
            answer = Answer(200, {"results": results, **self._told(leases)})
            return self._lost_with(loses[0], leases, *events, *asked) if loses else answer

    def results(self, lease_id: str, body: Body) -> Answer:
        with self.stage.changed:
            return self._answered(
                self.stage.note("results", lease_id=lease_id, **body),
                lambda: Answer(200, {"found": False, "result": None}),
            )

    def delete(self, worker: str) -> Answer:
        with self.stage.changed:
            return self._answered(self.stage.note("delete", worker=worker), lambda: self._deleted(worker))

    def _deleted(self, worker: str) -> Answer:
        if self.stage.workers.pop(worker, None) is None:
            return refusal(404, "WORKER_UNKNOWN")
        held = [lease for lease in self.stage.leases if lease.worker == worker and lease.state == "open"]
        for lease in held:
            lease.end("lost")
        return Answer(200, {"released": len(held)})

    def _reported(self, report: Body, by: str) -> Event:
        lease = self.stage.lease_of(report)
        again = lease is not None and lease.heard
        return self.stage.note("report", **{**report, "of": lease.name if lease else None, "by": by, "again": again})

    def _answered(self, event: Event, ordinary: Callable[[], Answer]) -> Answer:
        rule = self.stage.rule_for(event)
        if rule is None:
            return self._heard(event, ordinary())
        if rule.lose == "answer":
            ordinary()
        return self._heard(event, self.stage.use(rule, event))

    def _result(self, event: Event, heard: bool) -> Body:
        rule = self.stage.rule_for(event)
        answer = self.stage.use(rule, event) if rule and rule.one else self._settled(event)
        if heard:
            self._heard(event, answer)
        body = answer.body or {}
        result: Body = {"lease_id": event.get("lease_id"), "status": answer.status}
        return {**result, "replayed": body["replayed"]} if "replayed" in body else {**result, **body.get("error", {})}

    def _heard(self, event: Event, answer: Answer) -> Answer:
        """A report that was answered for good: whoever reports the lease again wasn't listening."""
        lease = self.stage.lease_of(event)
        if event["on"] == "report" and lease and answer.status in (200, 404, 409):
            lease.heard = True
            lease.end("lost")
        return answer

    def _settled(self, event: Event) -> Answer:
        lease = self.stage.lease_of(event)
        if lease is None or lease.token != event.get("token"):
            return refusal(404, "LEASE_UNKNOWN")
        report = {key: value for key, value in event.items() if key not in ("on", "at", "of", "by", "again", "refused")}
        if lease.state == "settled" and same(lease.report, report):
            return Answer(200, {"accepted": True, "replayed": True})
        if lease.state != "open":
            return refusal(409, "TASK_CANCELLED" if lease.state == "cancelled" else "LEASE_LOST")
        if lease.is_too_large(report, self.stage.settings["max_payload_bytes"]):
            return refusal(413, "PAYLOAD_TOO_LARGE")
        lease.report = report
        lease.end("settled")
        return Answer(200, {"accepted": True, "replayed": False})


def _wait_ms(body: Body, settings: Body) -> float:
    return float(min(body.get("wait_ms") or 0, settings["max_wait_ms"]))
