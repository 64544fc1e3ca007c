"""The shop and its neighbours on this machine: gateway, mail sink and workers, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from examples.checkout.mailsink import mails_in
from examples.checkout.services import orders
from examples.checkout.services.database import open_shop

CHECKOUT = Path(__file__).parent
TEMPLATE = CHECKOUT / "order.yaml"
HANDLERS = "examples.checkout.handlers"
_IMPORT_ROOT = CHECKOUT.parent.parent
_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 15.0


class Process:
    """A Python module that runs as a process, with its output in ``log``."""

    def __init__(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._name, self._log = " ".join(arguments), log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=_IMPORT_ROOT,
                env=environment,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def address(self) -> str:
        """Wait for the line that says where this server listens; returns the address.

        Raises:
            RuntimeError: the process ended, or didn't say so in time.
        """
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            first_line, newline, _ = self.output().partition("\n")
            if newline and " listening on " in first_line:
                return first_line.rpartition(" ")[2]
            if not self.is_running:
                raise RuntimeError(f"{self._name} ended at once:\n{self.output()}")
            time.sleep(0.02)
        raise RuntimeError(f"no word from {self._name} in {_START_TIMEOUT:g} s:\n{self.output()}")

    def kill(self) -> None:
        """SIGKILL: the process gets no chance to tidy up."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask the process to end, and wait for it. Returns its exit code."""
        if self.is_running:
            self._process.terminate()
        try:
            return self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode


class LocalShop:
    """A ``with`` block in which the shop is open; all that it writes goes to ``directory``.

    ``gateway_timeout`` is how many seconds the shop's workers wait for an answer of the payment gateway.
    """

    def __init__(self, directory: Path, gateway_timeout: float = 2.0) -> None:
        self.directory = directory.absolute()
        self.database = self.directory / "shop.db"
        self.store_url = f"sqlite:///{self.directory / 'tasker.db'}"
        self.gateway_url = ""
        self.mail_address = ""
        self._gateway_timeout = gateway_timeout
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with open_shop(self.database):
            pass
        try:
            gateway = self._start("gateway", "--port", "0", "--ledger", str(self.directory / "ledger.db"))
            mailsink = self._start("mailsink", "--port", "0", "--directory", str(self._mails))
            self.gateway_url, self.mail_address = gateway.address(), mailsink.address()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what still runs, the workers first."""
        while self._processes:
            self._processes.pop().stop()

    def environment(self, gateway_timeout: float | None = None) -> dict[str, str]:
        """The environment in which a process finds this shop and its store."""
        foreign = ("SHOP_", "TASKER_", "DATABASE_URL")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_IMPORT_ROOT), os.environ.get("PYTHONPATH")])),
            "TASKER_DATABASE_URL": self.store_url,
            "TASKER_TEMPLATE_PATH": str(CHECKOUT),
            "SHOP_DATABASE": str(self.database),
            "SHOP_GATEWAY_URL": self.gateway_url,
            "SHOP_GATEWAY_TIMEOUT": str(gateway_timeout or self._gateway_timeout),
            "SHOP_SMTP": self.mail_address,
        }

    def start_worker(self, name: str, gateway_timeout: float | None = None) -> Process:
        """Start a process that runs the shop's handlers, as ``tasker worker`` does; its log is worker-NAME.log."""
        arguments = ["tasker_core.cli", "worker", "--handlers", HANDLERS]
        return self._run(arguments, f"worker-{name}.log", self.environment(gateway_timeout))

    def charges(self, task_uuid: str) -> list[dict[str, Any]]:
        """What the gateway's ledger holds for the payment of this task."""
        return self._ledger({"idempotency_key": f"{task_uuid}:process_payment"})

    def all_charges(self) -> list[dict[str, Any]]:
        """The gateway's whole ledger."""
        return self._ledger({})

    def mails(self) -> list[EmailMessage]:
        """All mail that the shop has sent."""
        return mails_in(self._mails)

    def orders(self) -> list[dict[str, Any]]:
        """The shop's books."""
        return orders.placed(self.directory / "tasker.db")

    def take_all(self, sku: str) -> int:
        """Another customer takes all of a product that is left; how many that were."""
        with open_shop(self.database) as shop:
            left = self.stock()[sku]
            shop.execute("UPDATE products SET stock = 0 WHERE sku = ?", (sku,))
        return left

    def stock(self) -> dict[str, int]:
        """What is on the shelves."""
        with open_shop(self.database) as shop:
            return {row["sku"]: row["stock"] for row in shop.execute("SELECT sku, stock FROM products")}

    @property
    def _mails(self) -> Path:
        return self.directory / "mails"

    def _ledger(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.gateway_url}/charges", params=query).json()["charges"]
        return found

    def _start(self, module: str, *arguments: str) -> Process:
        return self._run([f"examples.checkout.{module}", *arguments], f"{module}.log", self.environment())

    def _run(self, arguments: Sequence[str], log: str, environment: Mapping[str, str]) -> Process:
        process = Process(arguments, self.directory / log, environment)
        self._processes.append(process)
        return process
