"""A store with something of everything in it, for the pages to be looked at: played by hand, no worker runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tasker_core.engine import Engine, TaskRequest
from tasker_core.rules.template import Template
from tasker_core.words import Lease, Report, Word
from tests.support.batches import cursors
from tests.support.flows import Hands, failed, ok

CHECKOUT = {
    "validate_cart": [], "reserve_stock": ["validate_cart"], "process_payment": ["validate_cart"],
    "check_for_fraud": ["validate_cart"], "create_order": ["reserve_stock", "process_payment", "check_for_fraud"],
    "send_confirmation_mail": ["create_order"], "update_customer_profile": ["create_order"],
    "notify_warehouse": ["create_order", "reserve_stock"],
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "required": ["sku", "quantity"],
    "properties": {
        "sku": {"type": "string", "description": "What is bought."},
        "quantity": {"type": "integer", "minimum": 1},
        "express": {"type": "boolean"},
        "channel": {"enum": ["web", "app", "phone"]},
        "customer": {"type": "object"},
    },
}
CONTEXT = {
    "sku": "tea", "quantity": 2, "channel": "web", "card_token": "tok_visa",
    "customer": {"id": 4711, "mail": "ada@example.org"},
}  # fmt: skip

Answer = Callable[[Lease], Report]


@dataclass
class Stage:
    """The tasks that stand on it, by what became of them, and the hands that play the worker."""

    engine: Engine
    hands: Hands
    tasks: dict[str, str]
    created: int = 0

    def create(self, name: str = "checkout", **changes: Any) -> str:
        """Create a task of one of the stage's templates."""
        known = self.engine.catalog.choose(name, None, "latest").template
        self.created += 1
        wish = {"context": CONTEXT | {"order": self.created}, "initiator": "web shop", "tags": ["eu"], **changes}
        request = TaskRequest(
            name=name, namespace=known.namespace_name, version=known.version, task_uuid=self.engine.ids.new(),
            **wish,
        )  # fmt: skip
        return self.engine.create([request])[0].task

    def play(self, task: str, answers: Mapping[str, Answer | None]) -> None:
        """Run what is ready of ``task`` until nothing is; a step whose answer is None is left running."""
        while leases := [lease for lease in self.hands.claim_all(1_000) if lease.task_uuid == task]:
            self.hands.report(*(report for lease in leases if (report := _answer(lease, answers)) is not None))


def set_up(engine: Engine, finished: int = 12) -> Stage:
    """Templates, and tasks of them in every state."""
    for version, attempts in (("1.0.0", 3), ("1.1.0", 5)):
        engine.catalog.register(checkout(version, attempts), replace=False)
    for template in (approval(), counting()):
        engine.catalog.register(template, replace=False)
    hands = Hands(engine, name="web-1")
    lanes = [lane for known in engine.catalog.current() for lane in known.lanes if "warehouse" not in lane]
    engine.store.workers.serve(hands.number, lanes)
    stage = Stage(engine, hands, {})
    for _ in range(finished):
        stage.play(stage.create(), {"notify_warehouse": ok})
    decline, late = fails("card declined by the issuer", "permanent_error"), fails("no answer within 30 s", "timeout")
    stories: dict[str, tuple[str, Mapping[str, Answer | None]]] = {
        "batch": ("count_sales", {"cut": cut(240), "count": _some_run}),
        "decision": ("approval", {"route": chose("ask_manager"), "review": chose("ask_finance"), "ask_finance": None}),
        "resolved": ("checkout", {"check_for_fraud": decline}),
        "given up": ("checkout", {"reserve_stock": decline}),
        "cancelled": ("checkout", {"create_order": None}),
        "retrying": ("checkout", {"process_payment": late}),
        "running": ("checkout", {"process_payment": None, "check_for_fraud": None}),
        "blocked": ("checkout", {"process_payment": decline}),
    }
    for name, (of, answers) in stories.items():
        stage.tasks[name] = stage.create(of)
        stage.play(stage.tasks[name], answers)
    engine.operator.resolve(stage.tasks["resolved"], Word("client ann", "paid by hand"))
    engine.operator.give_up(stage.tasks["given up"], Word("client ben", "out of stock for good"))
    engine.cancel(stage.tasks["cancelled"], actor="client ann", reason="the customer called")
    return stage


def checkout(version: str, attempts: int) -> Template:
    retry = {"max_attempts": attempts, "backoff": "none", "backoff_base_ms": 600_000}
    return Template.from_content({
        "name": "checkout", "namespace_name": "shop", "version": version, "input_schema": SCHEMA,
        "description": "From a cart to a paid order in the warehouse",
        "steps": [
            {"name": name, "handler": {"callable": f"shop_{name}"}, "dependencies": parents, "retry": retry}
            for name, parents in CHECKOUT.items()
        ],
    })  # fmt: skip


def approval() -> Template:
    def step(name: str, *parents: str, kind: str = "standard") -> dict[str, Any]:
        return {"name": name, "type": kind, "handler": {"callable": f"approval_{name}"}, "dependencies": list(parents)}

    return Template.from_content({
        "name": "approval", "namespace_name": "purchasing", "version": "2.3.0",
        "description": "Finds out who must agree to a purchase, asks them, and orders or refuses",
        "steps": [
            step("check"), step("route", "check", kind="decision"), step("waive", "route"),
            step("ask_manager", "route"),
            step("review", "ask_manager", kind="decision"), step("release", "review"), step("ask_finance", "review"),
            step("ask_security", "review"),
            step("verdict", "waive", "ask_manager", "release", "ask_finance", "ask_security",
                 kind="deferred_convergence"),
            step("carry_out", "verdict"),
        ],
    })  # fmt: skip


def counting() -> Template:
    return Template.from_content({
        "name": "count_sales", "namespace_name": "data", "version": "1.0.0",
        "description": "Adds up a file of sales, piece by piece",
        "steps": [
            {"name": "cut", "type": "batchable", "handler": {"callable": "cut"},
             "batch_config": {"worker_template": "count", "parallelism": 100}},
            {"name": "count", "type": "batch_worker", "handler": {"callable": "count"}, "dependencies": ["cut"]},
            {"name": "add_up", "type": "deferred_convergence", "handler": {"callable": "add_up"},
             "dependencies": ["count"]},
        ],
    })  # fmt: skip


def fails(message: str, kind: str) -> Answer:
    return lambda lease: failed(lease, message, retryable=kind == "timeout", error_type=kind, retry_after=600)


def chose(*steps: str) -> Answer:
    outcome = {"decision_point_outcome": {"type": "create_steps", "step_names": list(steps)}}
    return lambda lease: ok(lease, outcome)


def cut(count: int) -> Answer:
    outcome = {
        "type": "create_batches", "worker_template_name": "count", "worker_count": count,
        "cursor_configs": cursors(count), "total_items": count * 10,
    }  # fmt: skip
    return lambda lease: ok(lease, {"batch_processing_outcome": outcome})


def _some_run(lease: Lease) -> Report:
    """One of a hundred pieces fails and is tried again."""
    return failed(lease, "a line isn't one", retry_after=600) if lease.key.no % 97 == 0 else ok(lease, {"lines": 10})


def _answer(lease: Lease, answers: Mapping[str, Answer | None]) -> Report | None:
    name = lease.step if lease.step in answers else lease.step.rpartition("_")[0]
    if name in answers:
        answer = answers[name]
        return None if answer is None else answer(lease)
    return ok(lease, {"done": lease.step, "cents": 900})
