"""The axum shop, end to end: server and shop as processes, real HTTP, a kill between the charge and its record.

It is played where TASKER_TEST_AXUM is set, and by ``make soak``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from tests.support.cargo import ROOT, TARGET, cargo, fetch, needs_cargo, without_settings
from tests.support.workshop import Background, eventually, tasker

SHOP = ROOT / "examples" / "axum-shop"
STEPS = ["validate_cart", "process_payment", "reserve_stock", "confirm_order", "send_confirmation"]

pytestmark = [
    *needs_cargo,
    pytest.mark.skipif(
        "TASKER_TEST_AXUM" not in os.environ,
        reason="axum and what it needs take half a minute of CPU to compile: TASKER_TEST_AXUM=1 (or make soak)",
    ),
]


@pytest.fixture(scope="module")
def built() -> None:
    """The shop's program, whose own tests pass."""
    fetch(SHOP)
    assert "test result: ok" in cargo(SHOP, "test")
    cargo(SHOP, "build")


@pytest.mark.usefixtures("built")
def test_lint() -> None:
    cargo(SHOP, "fmt", "--check")
    cargo(SHOP, "clippy", "--all-targets", "--", "-D", "warnings")


class Town:
    """A server of Tasker and the shop, each of which can be started and ended."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.store = f"sqlite:///{directory}/tasker.db"
        registered = tasker("template", "register", str(SHOP / "config" / "tasks"), url=self.store, cwd=directory)
        assert registered.code == 0, registered
        self.server: Background | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start_server(self) -> None:
        self.server = Background(
            "server",
            "--port",
            str(self.port),
            log=self.directory / "server.log",
            url=self.store,
            cwd=self.directory,
            TASKER_LEASE_SECONDS="3",
        )
        self.server.await_line("server listens at")

    def start_shop(self, **environment: str) -> None:
        said = self.directory / "shop.log"
        tasker_url = f"http://127.0.0.1:{self.port}"
        wanted = {"TASKER_URL": tasker_url, "SHOP_PORT": "0", "SHOP_DATA": str(self.directory / "data"), **environment}
        with said.open("wb") as log:
            program = TARGET / "debug" / "axum-shop"
            self.process = subprocess.Popen([program], env=without_settings(**wanted), stdout=log, stderr=log)
        eventually(lambda: "listens at" in said.read_text())
        self.url = said.read_text().partition("listens at ")[2].split()[0]

    def stop_shop(self, sign: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(sign)
        return self.process.wait(30)

    def order(self, card: str, key: str | None = None, status: int = 201) -> dict[str, Any]:
        body = {"email": "ann@example.com", "items": [{"sku": "tea", "quantity": 2}], "card": card}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        answer = httpx.post(f"{self.url}/orders", json=body, headers=headers, timeout=30)
        assert answer.status_code == status, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def look(self, order: dict[str, Any]) -> dict[str, Any]:
        looked: dict[str, Any] = httpx.get(f"{self.url}/orders/{order['order_id']}", timeout=30).json()
        return looked

    def at_rest(self, order: dict[str, Any]) -> dict[str, Any]:
        eventually(lambda: self.look(order)["status"] in ("complete", "blocked_by_failures"))
        return self.look(order)

    def charges(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        key = f"{order['task_uuid']}:process_payment"
        return [line["value"] for line in self.lines("charges") if line["key"].startswith(key)]

    def lines(self, ledger: str) -> list[dict[str, Any]]:
        text = (self.directory / "data" / f"{ledger}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines() if line]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process and self.process.poll() is None:
            self.stop_shop(signal.SIGKILL)
        if self.server:
            self.server.kill()


@pytest.fixture
def town(built: None, tmp_path: Path) -> Iterator[Town]:
    with Town(tmp_path) as town:
        yield town


def test_orders_are_paid_once_and_declined_cards_never(town: Town) -> None:
    town.start_server()
    town.start_shop()
    placed, again = town.order("tok_error_once", "cart-1"), town.order("tok_error_once", "cart-1", status=200)
    declined = town.order("tok_declined")
    assert again["task_uuid"] == placed["task_uuid"]
    done = town.at_rest(placed)
    (charge,) = town.charges(placed)
    assert (done["status"], done["done"], charge["cents"]) == ("complete", STEPS, 900)
    assert done["charge_id"] == charge["charge_id"]
    assert town.at_rest(declined)["status"] == "blocked_by_failures"
    assert town.charges(declined) == []
    assert town.stop_shop(signal.SIGTERM) == 0


def test_a_kill_between_the_charge_and_its_record_charges_once(town: Town) -> None:
    town.start_server()
    town.start_shop()
    placed = town.order("tok_slow")
    eventually(lambda: town.charges(placed))
    town.stop_shop(signal.SIGKILL)
    town.start_shop()
    done = town.at_rest(placed)
    (charge,) = town.charges(placed)
    assert (done["status"], done["charge_id"]) == ("complete", charge["charge_id"])


def test_an_order_gets_its_task_though_tasker_was_away(town: Town) -> None:
    town.start_shop(TASKER_CLIENT_TIMEOUT="1")
    town.order("tok_visa", "cart-1", status=503)
    town.stop_shop(signal.SIGKILL)
    town.start_server()
    town.start_shop()
    (placed,) = {line["key"]: line["value"] for line in town.lines("orders")}.values()
    assert town.at_rest(placed)["status"] == "complete"
    assert town.order("tok_visa", "cart-1", status=200)["order_id"] == placed["order_id"]
