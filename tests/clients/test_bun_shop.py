"""The Bun shop: its own tests, its types, and the shop as a process that is killed between charge and record."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from examples.checkout.gateway import Gateway
from examples.checkout.ledger import Ledger
from tasker_core import TaskerClient
from tests.clients.npm import PACKAGE, ROOT, environment, install, node_is_there, run
from tests.support.served import Served, served
from tests.support.workshop import eventually

SHOP = ROOT / "examples" / "bun-shop"
WISH = {"cart": "c", "email": "ann@example.com", "card": "tok_slow_once", "items": [{"sku": "tea", "quantity": 2}]}

pytestmark = [
    pytest.mark.xdist_group("typescript"),
    pytest.mark.skipif(not node_is_there(), reason="THE BUN SHOP IS NOT TESTED: there is no Node 20 with npm"),
]


class Town:
    """A Tasker server, a payment gateway, and a directory for a shop between them."""

    def __init__(self, directory: Path, server: Served, gateway: Gateway) -> None:
        self.server, self.gateway = server, gateway
        self.settings = {
            "TASKER_URL": server.url,
            "SHOP_GATEWAY_URL": gateway.url,
            "SHOP_DIRECTORY": str(directory / "shop"),
            "PORT": "0",
        }

    @contextmanager
    def shop(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """The shop as a process, and its URL."""
        with subprocess.Popen(
            ["node_modules/.bin/bun", "src/main.ts"],
            cwd=SHOP,
            env=environment(**self.settings),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                yield process, process.stdout.readline().strip().removeprefix("shop listens at ")
            finally:
                process.kill()


@pytest.fixture(scope="module")
def built() -> None:
    install(PACKAGE)
    run(PACKAGE, "npm", "run", "build")
    install(SHOP)
    run(SHOP, "node_modules/.bin/tsc")


@pytest.fixture
def town(tmp_path: Path, sqlite_url: str, built: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("TASKER_LEASE_SECONDS", "3")
    with served(sqlite_url) as server, Gateway(0, Ledger(tmp_path / "ledger.db")) as gateway:
        threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with TaskerClient(url=server.url) as client:
            client.register_template(SHOP / "config" / "tasks" / "checkout.yaml")
        yield Town(tmp_path, server, gateway)
        gateway.shutdown()


@pytest.mark.parametrize("command", ["test", "test:node"])
def test_its_own_tests(town: Town, command: str) -> None:
    run(SHOP, "npm", "run", command, **town.settings)


def test_a_shop_that_is_killed_between_charge_and_record_charges_once(town: Town) -> None:
    with town.shop() as (first, url):
        order = httpx.post(f"{url}/orders", json=WISH).raise_for_status().json()
        eventually(town.gateway.ledger.charges, timeout=30)
        first.send_signal(signal.SIGKILL)
    with town.shop() as (second, url), TaskerClient(url=town.server.url) as client:
        assert client.wait(order["task_uuid"], timeout=30).status == "complete"
        attempts = {step.name: step.attempts for step in client.list_task_steps(order["task_uuid"])}
        shown = httpx.get(f"{url}/orders/{order['order_id']}").raise_for_status().json()
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
    assert attempts["process_payment"] == 2
    assert shown["charge"]["totalCents"] == 900
    assert [charge["amount_cents"] for charge in town.gateway.ledger.charges()] == [900]


def test_lint(built: None) -> None:
    run(SHOP, str(PACKAGE / "node_modules" / ".bin" / "biome"), "check", "--error-on-warnings", ".")
