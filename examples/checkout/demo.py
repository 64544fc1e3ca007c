"""Six things that happen to a shop's orders, for real: ``python -m examples.checkout.demo`` (or ``make demo``).

An order goes well; it is submitted twice; a card is declined; the gateway charges but doesn't answer; a worker is
killed between the charge and its record; the goods go to another customer after the charge, and a worker is killed
amid the refund. In the end the demo asks the store, the gateway's ledger, the shop's books and the mailbox what
happened, and fails unless all agree that each customer was charged as often as they ordered: once, and that who got
nothing got the money back: once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from examples.checkout.account import STEPS, Account, Expectation
from examples.checkout.processes import CHECKOUT, TEMPLATE, LocalShop, Process
from examples.checkout.services.money import shown
from tasker_core import DuplicateTaskError, TaskerClient

PATIENCE = 60.0
AT_REST = {"complete", "error", "cancelled", "resolved_manually", "blocked_by_failures"}
MARKER = "checkout-demo"
LOOKS = {"complete": "green", "waiting_for_retry": "yellow", "error": "red", "in_progress": "cyan"}


@dataclass(frozen=True)
class Scenario:
    """One order of ``orders/``, and how it ought to end."""

    title: str
    order: str
    expected: Expectation


HAPPY = Scenario("A happy order", "happy", Expectation("complete", (1, 1, 1, 1, 1)))
DECLINED = Scenario("A declined card", "declined", Expectation("blocked_by_failures", (1, 1, 0, 0, 0)))
SLOW = Scenario("A gateway that hangs once", "slow_gateway", Expectation("complete", (1, 2, 1, 1, 1)))
KILLED = Scenario("A worker killed after the charge", "killed", Expectation("complete", (1, 2, 1, 1, 1)))
TOO_LATE = Scenario(
    "Sold out after the charge, and a worker killed amid the refund",
    "too_late",
    Expectation("error", (1, 2, 1, 0, 0), refunded=True),
)


class Demo:
    """Tells the story while it happens."""

    def __init__(self, shop: LocalShop, client: TaskerClient, console: Console) -> None:
        self._shop, self._client, self._console = shop, client, console
        self._started = time.monotonic()
        self._tasks: dict[Scenario, str] = {}

    def run(self) -> list[str]:
        """Play all scenarios. Returns what went otherwise than it ought to."""
        self._say(f"the payment gateway listens on {self._shop.gateway_url}, mail goes to {self._shop.mail_address}")
        stock = self._shop.stock()
        self._client.register_template(TEMPLATE)
        worker = self._worker("one", gateway_timeout=2.0)
        self._play(HAPPY)
        complaints = self._submit_again(HAPPY)
        self._play(DECLINED)
        self._play(SLOW)
        self._say(f"worker one is asked to stop, and does: exit code {worker.stop()}")
        self._kill_after_the_charge(KILLED).stop()
        taken = self._sell_out_after_the_charge(TOO_LATE)
        return complaints + self._show_accounts() + self._shelf_complaints(stock, taken)

    def _play(self, scenario: Scenario) -> None:
        self._follow(self._submit(scenario))

    def _submit_again(self, scenario: Scenario) -> list[str]:
        self._console.rule("The same order again", align="left")
        try:
            self._create(scenario)
        except DuplicateTaskError as duplicate:
            self._say(f"refused: it is task {duplicate.task_uuid}, which exists")
            return [] if duplicate.task_uuid == self._tasks[scenario] else ["a duplicate named another task"]
        return ["the same order was accepted twice"]

    def _kill_after_the_charge(self, scenario: Scenario) -> Process:
        # The gateway records this charge and holds its answer back until the caller is gone. So once the ledger shows
        # the charge, the worker is between the charge and its record, and stays there until it dies.
        worker = self._worker("two", gateway_timeout=30.0)
        task_uuid = self._submit(scenario)
        self._await_charge(task_uuid)
        worker.kill()
        self._say(f"the ledger shows the charge: worker two (process {worker.pid}) gets SIGKILL", "bold red")
        another = self._worker("three", gateway_timeout=2.0)
        self._follow(task_uuid)
        return another

    def _sell_out_after_the_charge(self, scenario: Scenario) -> dict[str, int]:
        """Returns what another customer took off the shelves."""
        worker = self._worker("four", gateway_timeout=30.0)
        task_uuid = self._submit(scenario)
        self._await_charge(task_uuid)
        worker.kill()
        taken = self._shop.take_all("SET-ASANOHA")
        self._say("the ledger shows the charge: worker four gets SIGKILL, and somebody else buys all that is left")
        worker = self._worker("five", gateway_timeout=30.0)
        # As with the charge before: the gateway gives the money back, and holds back its answer.
        self._await(lambda: any(charge["refunded"] for charge in self._shop.charges(task_uuid)), "no refund")
        worker.kill()
        self._say("the ledger shows the refund: worker five gets SIGKILL", "bold red")
        self._worker("six", gateway_timeout=2.0)
        self._follow(task_uuid)
        return {"SET-ASANOHA": taken}

    def _submit(self, scenario: Scenario) -> str:
        self._console.rule(scenario.title, align="left")
        self._tasks[scenario] = task_uuid = self._create(scenario)
        self._say(f"orders/{scenario.order}.json is task {task_uuid}")
        return task_uuid

    def _create(self, scenario: Scenario) -> str:
        context = json.loads((CHECKOUT / "orders" / f"{scenario.order}.json").read_text(encoding="utf-8"))
        task = self._client.create_task(
            "ecommerce_order_processing",
            namespace="ecommerce",
            context=context,
            idempotency_key=context["cart_id"],
            initiator="checkout demo",
            reason=scenario.title,
        )
        return task.task_uuid

    def _follow(self, task_uuid: str) -> None:
        seen = dict.fromkeys(STEPS, ("pending", 0))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status = self._client.get_task(task_uuid).status
            for step in self._client.list_task_steps(task_uuid):
                now = (step.current_state, step.attempts)
                if now != seen.get(step.name) and step.current_state in LOOKS:
                    look = LOOKS[step.current_state]
                    self._say(
                        f"{step.name:<18} attempt {step.attempts}  [{look}]{step.current_state}[/]{_why(step.results)}"
                    )
                seen[step.name] = now
            if status in AT_REST:
                self._say(f"the task is [bold]{status}[/]")
                return
            time.sleep(0.02)
        raise TimeoutError(
            f"task {task_uuid} isn't at rest after {PATIENCE:g} s; see the logs in {self._shop.directory}"
        )

    def _await_charge(self, task_uuid: str) -> None:
        self._await(lambda: bool(self._shop.charges(task_uuid)), "no charge")

    def _await(self, has_come: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not has_come():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise} in {PATIENCE:g} s; see the logs in {self._shop.directory}")
            time.sleep(0.01)

    def _worker(self, name: str, gateway_timeout: float) -> Process:
        worker = self._shop.start_worker(name, gateway_timeout)
        self._say(f"worker {name} starts: process {worker.pid}, waits {gateway_timeout:g} s for the gateway")
        return worker

    def _show_accounts(self) -> list[str]:
        self._console.rule("The accounts", align="left")
        columns = ("order", "task", "attempts", "charges", "calls", "back", "paid", "mails")
        table = Table(*(Column(name, no_wrap=True) for name in columns), box=SIMPLE, padding=0, collapse_padding=True)
        complaints = []
        for scenario, task_uuid in self._tasks.items():
            account = Account.of(task_uuid, self._shop, self._client)
            complaints += [f"{scenario.title}: {wrong}" for wrong in scenario.expected.disappointments(account)]
            table.add_row(
                scenario.order,
                f"[{LOOKS.get(account.state, 'red')}]{account.state}[/]",
                " ".join(str(account.attempts.get(step, 0)) for step in STEPS),
                str(len(account.charges)),
                str(sum(charge["calls"] for charge in account.charges)),
                str(sum(charge["refunded"] for charge in account.charges)),
                shown(account.charged_cents),
                str(account.mails),
            )
        self._console.print(table)
        self._console.print(f"attempts: of {', '.join(STEPS)}")
        self._console.print("calls: how often the gateway was asked for that charge; back: how many were given back")
        return complaints

    def _shelf_complaints(self, before: dict[str, int], taken: dict[str, int]) -> list[str]:
        sold = dict(taken)
        for scenario, task_uuid in self._tasks.items():
            if scenario.expected.state == "complete":
                for item in self._client.get_task(task_uuid).context["items"]:
                    sold[item["sku"]] = sold.get(item["sku"], 0) + item["quantity"]
        expected = {sku: stock - sold.get(sku, 0) for sku, stock in before.items()}
        after = self._shop.stock()
        return [] if after == expected else [f"the shelves should hold {expected}, and hold {after}"]

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(f"[dim]{time.monotonic() - self._started:6.2f} s[/]  {text}", style=style, highlight=False)


def _why(results: dict[str, object] | None) -> str:
    error = (results or {}).get("error")
    return f": {escape(str(error['message']))}" if isinstance(error, dict) else ""


def _fresh(directory: Path) -> None:
    """Make ``directory`` anew. Only a directory that an earlier demo made is emptied."""
    if directory.exists() and any(directory.iterdir()) and not (directory / MARKER).exists():
        sys.exit(f"{directory} holds something else; name an empty directory, or one of an earlier demo")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / MARKER).touch()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.checkout.demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--directory", type=Path, default=Path(".demo"), help="for all files (default: %(default)s)")
    directory = parser.parse_args().directory
    _fresh(directory)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console()
    with LocalShop(directory) as shop, TaskerClient(database_url=shop.store_url) as client:
        complaints = Demo(shop, client, console).run()
    for complaint in complaints:
        console.print(f"[bold red]WRONG[/]  {escape(complaint)}")
    if complaints:
        return 1
    console.print(
        "[bold green]All accounts agree: every order that went through was charged, booked and mailed once, "
        "and who got nothing got the money back, once.[/]"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
