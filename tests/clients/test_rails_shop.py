"""The Rails shop: its own tests, its linter, and its worker as a process that is killed between charge and record."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.checkout.gateway import Gateway
from examples.checkout.ledger import Ledger
from tasker_core import TaskerClient
from tests.support.workshop import Background, eventually

SHOP = Path(__file__).parents[2] / "examples" / "rails-shop"
PLACE_AN_ORDER = """
ActiveRecord::Schema.verbose = false
load "db/schema.rb"
load "db/seeds.rb"
order = Order.create!(cart: "c", email: "ann@example.com", card: "tok_slow_once", items: [{ sku: "tea", quantity: 2 }])
order.hand_over
puts order.task_uuid
"""

pytestmark = pytest.mark.skipif(
    shutil.which("rails") is None,
    reason="THE RAILS SHOP IS NOT TESTED: no Rails (apt-get install ruby-railties ruby-activerecord ruby-sqlite3)",
)


class Town:
    """A Tasker server that is a process, a payment gateway, and the environment of a shop between them."""

    def __init__(self, directory: Path, server: str, gateway: Gateway) -> None:
        self._directory, self.server, self.gateway = directory, server, gateway

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TASKER_", "SHOP_"))}
        return {
            **kept,
            "TASKER_URL": self.server,
            "SHOP_GATEWAY_URL": self.gateway.url,
            "SHOP_DATABASE": str(self._directory / "shop.db"),
            "SHOP_MAILS": str(self._directory / "mails"),
        }

    def rails(self, *arguments: str) -> str:
        """What the shop's command prints; it must succeed."""
        done = subprocess.run(
            ["bin/rails", *arguments], cwd=SHOP, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(
            ["bin/rails", "tasker:worker"], cwd=SHOP, env=self.environment, stderr=subprocess.DEVNULL
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def town(tmp_path: Path, sqlite_url: str) -> Iterator[Town]:
    with (
        Background(
            "server", "--port", "0", log=tmp_path / "server.log", url=sqlite_url, TASKER_LEASE_SECONDS="3"
        ) as on,
        Gateway(0, Ledger(tmp_path / "ledger.db")) as gateway,
    ):
        threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        on.await_line("server listens at")
        server = on.output().split("server listens at ")[1].split()[0]
        with TaskerClient(url=server) as client:
            client.register_template(SHOP / "config" / "tasks" / "checkout.yaml")
        yield Town(tmp_path, server, gateway)
        gateway.shutdown()


def test_its_own_tests(town: Town) -> None:
    assert "0 failures, 0 errors, 0 skips" in town.rails("test")


def test_a_worker_that_is_killed_between_charge_and_record_charges_once(town: Town) -> None:
    with TaskerClient(url=town.server) as client:
        task = town.rails("runner", PLACE_AN_ORDER).strip()
        with town.worker() as first:
            eventually(town.gateway.ledger.charges, timeout=30)
            first.send_signal(signal.SIGKILL)
        with town.worker() as second:
            assert client.wait(task, timeout=30).status == "complete"
            attempts = {step.name: step.attempts for step in client.list_task_steps(task)}
            second.send_signal(signal.SIGTERM)
            assert second.wait(20) == 0
    assert attempts["process_payment"] == 2
    assert [charge["amount_cents"] for charge in town.gateway.ledger.charges()] == [900]


@pytest.mark.skipif(shutil.which("rubocop") is None, reason="there is no RuboCop (apt-get install rubocop)")
def test_rubocop() -> None:
    done = subprocess.run(["rubocop"], cwd=SHOP, capture_output=True, text=True, timeout=120)
    assert "no offenses detected" in done.stdout, done.stdout + done.stderr
