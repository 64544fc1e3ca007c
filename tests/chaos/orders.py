"""What a chaos run has to do: orders of five steps; among them parcels, one step, then four at once, then one; and
sales, which fail in the end, so that what they did is undone."""

from __future__ import annotations

import threading
import time
from typing import Any

from tasker_core import TaskerClient
from tasker_core.errors import StoreError
from tests.support.workshop import flow

ORDER: dict[str, list[str]] = {
    "validate_cart": [],
    "process_payment": ["validate_cart"],
    "update_inventory": ["process_payment"],
    "create_order": ["update_inventory"],
    "send_confirmation": ["create_order"],
}
PARCELS: dict[str, list[str]] = {
    "collect": [],
    **{f"pack_{no}": ["collect"] for no in range(4)},
    "dispatch": [f"pack_{no}" for no in range(4)],
}
SALE: dict[str, list[str]] = {"charge": [], "enter": ["charge"], "ship": ["enter"]}
"""``enter`` writes in the transaction that settles it; ``ship`` fails for good; ``charge`` is undone."""
GRAPHS = {"order": ORDER, "parcels": PARCELS, "sale": SALE}
PARENTS = {**ORDER, **PARCELS, **SALE, "undo:charge": ["charge"]}
PARCELS_EVERY = 5
"""Each fifth task is one of parcels, and each that comes right before one is a sale."""
EFFECTS = {"order": 5, "parcels": 6, "sale": 2}
"""How many effects a task has outside."""
COMPLETED = {"order": 5, "parcels": 6, "sale": 3}
"""How many of its steps are complete in the end, compensations among them."""


def name_of(no: int) -> str:
    return {PARCELS_EVERY - 1: "parcels", PARCELS_EVERY - 2: "sale"}.get(no % PARCELS_EVERY, "order")


def steps_of(tasks: int) -> int:
    """How many steps of ``tasks`` tasks are complete in the end."""
    return sum(COMPLETED[name_of(no)] for no in range(tasks))


def effects_of(tasks: int) -> int:
    """How many effects they have outside."""
    return sum(EFFECTS[name_of(no)] for no in range(tasks))


def sales_of(tasks: int) -> int:
    """How many of them are sales."""
    return sum(name_of(no) == "sale" for no in range(tasks))


def register(client: TaskerClient) -> None:
    for name, graph in GRAPHS.items():
        template = flow(graph, name=name)
        template["steps"] = [
            step | _way(no) | SPECIAL.get(step["name"], {}) for no, step in enumerate(template["steps"])
        ]
        client.register_template(template)


RETRY = {"max_attempts": 50, "backoff": "none", "backoff_base_ms": 1}
SPECIAL: dict[str, dict[str, Any]] = {
    "charge": {"compensate": {"handler": "chaos_effect", "retry": RETRY, "max_crashes": 50}},
    "enter": {"handler": {"callable": "chaos_entry"}},
    "ship": {"handler": {"callable": "chaos_refusal"}},
}


def _way(no: int) -> dict[str, Any]:
    return {
        "handler": {"callable": "chaos_effect_async" if no % 3 == 2 else "chaos_effect"},
        "retry": RETRY,
        "max_crashes": 50,
    }


class Submitter(threading.Thread):
    """Creates ``tasks`` tasks, spread evenly over ``seconds``, and asks again when the store is away."""

    def __init__(self, client: TaskerClient, tasks: int, seconds: float, context: dict[str, Any]) -> None:
        super().__init__(name="submitter", daemon=True)
        self._client, self._tasks, self._seconds, self._context = client, tasks, seconds, context
        self._over = threading.Event()
        self.created = 0
        self.asked_again = 0

    def run(self) -> None:
        began = time.monotonic()
        for no in range(self._tasks):
            if self._over.wait(max(began + self._seconds * no / self._tasks - time.monotonic(), 0.0)):
                return
            self._create(no)

    def _create(self, no: int) -> None:
        context, key = {**self._context, "no": no}, f"order {no}"
        while not self._over.is_set():
            try:
                self._client.create_task(
                    name_of(no), namespace="shop", context=context, idempotency_key=key, on_duplicate="return"
                )
            except StoreError:
                self.asked_again += 1
                self._over.wait(0.2)
            else:
                self.created += 1
                return

    def stop(self) -> None:
        self._over.set()
