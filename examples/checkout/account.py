"""The account of one order: what the store, the gateway, the books and the mailbox say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from examples.checkout.processes import LocalShop
from tasker_core import TaskerClient

STEPS = ("validate_cart", "process_payment", "update_inventory", "create_order", "send_confirmation")


@dataclass(frozen=True)
class Account:
    """Everything that is known of one order."""

    state: str
    attempts: dict[str, int]
    results: dict[str, dict[str, Any]]
    charges: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    mails: int

    @classmethod
    def of(cls, task_uuid: str, shop: LocalShop, client: TaskerClient) -> Account:
        """Ask everyone."""
        task, steps = client.get_task(task_uuid), client.list_task_steps(task_uuid)
        return cls(
            state=task.status,
            attempts={step.name: step.attempts for step in steps},
            results={step.name: step.results["result"] for step in steps if step.results and step.completed_at},
            charges=shop.charges(task_uuid),
            orders=[order for order in shop.orders() if order["cart_id"] == task.context["cart_id"]],
            mails=len({mail["Message-ID"] for mail in shop.mails() if mail["To"] == task.context["customer_email"]}),
        )

    @property
    def charged_cents(self) -> int:
        """What the customer is out of pocket, by the gateway's ledger."""
        return sum(charge["amount_cents"] for charge in self.charges if not charge["refunded"])


@dataclass(frozen=True)
class Expectation:
    """How an order ought to end. A complete one is charged, written down and mailed once; one that was ``refunded`` was
    charged once and given back; any other leaves no trace."""

    state: str
    attempts: tuple[int, ...]
    refunded: bool = False

    def disappointments(self, account: Account) -> Iterator[str]:
        """What is otherwise than it ought to be."""
        attempts = tuple(account.attempts.get(step, 0) for step in STEPS)
        times = 1 if self.state == "complete" else 0
        found = {
            "the task's state": (account.state, self.state),
            "the attempts of its steps": (attempts, self.attempts),
            "the number of charges": (len(account.charges), times + self.refunded),
            "the number of charges given back": (sum(c["refunded"] for c in account.charges), int(self.refunded)),
            "the number of orders in the books": (len(account.orders), times),
            "the number of confirmation mails": (account.mails, times),
        }
        if account.state == "complete":
            total = account.results["validate_cart"]["total_cents"]
            found["the amount charged"] = (account.charged_cents, total)
            found["the amount in the books"] = (sum(order["total_cents"] for order in account.orders), total)
        for what, (actual, wanted) in found.items():
            if actual != wanted:
                yield f"{what} should be {wanted}, and is {actual}"
