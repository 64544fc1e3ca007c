"""The checkout's five steps in three languages, in one task: whichever worker is killed amid its step, one charge."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples.checkout.gateway import Gateway
from examples.checkout.ledger import Ledger
from tasker_core import TaskerClient
from tests.clients.npm import PACKAGE, install, node_is_there, run
from tests.support.served import Served, served
from tests.support.workshop import eventually

HERE = Path(__file__).parent / "languages"
WORKERS = {
    "typescript": ["node", "in_typescript.mjs"],
    "ruby": ["ruby", "in_ruby.rb"],
    "python": [sys.executable, "-m", "tasker_core.cli", "worker", "--handlers", "in_python", "--url", "{server}"],
}
TRAPS = {"validate_cart": "typescript", "process_payment": "ruby", "reserve_stock": "python"}
"""Steps in which a worker is killed, and whose."""
STEPS = {*TRAPS.items(), ("confirm_order", "typescript"), ("send_confirmation", "ruby")}
ITEMS = [{"sku": "tea", "cents": 450, "quantity": 2}]

pytestmark = [
    pytest.mark.xdist_group("typescript"),
    pytest.mark.skipif(not node_is_there(), reason="NO CHECKOUT IN THREE LANGUAGES: there is no Node 20 with npm"),
    pytest.mark.skipif(shutil.which("ruby") is None, reason="NO CHECKOUT IN THREE LANGUAGES: there is no Ruby"),
]


class Town:
    """A server, a gateway, and a worker in each language, which are processes."""

    def __init__(self, directory: Path, server: Served, gateway: Gateway) -> None:
        self.server, self.gateway, self._effects = server, gateway, directory / "effects"
        self._logs, self._workers = directory, dict[str, subprocess.Popen[bytes]]()
        self._effects.touch()

    def start(self, language: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
        settings = {
            "TASKER_URL": self.server.url,
            "PYTHONPATH": str(HERE),
            "CHECKOUT_EFFECTS": str(self._effects),
            "GATEWAY_URL": self.gateway.url,
        }
        with (self._logs / f"{language}.log").open("ab") as log:
            self._workers[language] = subprocess.Popen(
                [part.format(server=self.server.url) for part in WORKERS[language]],
                cwd=HERE,
                env={**kept, **settings},
                stdout=log,
                stderr=log,
            )

    def kill(self, language: str) -> None:
        self._workers[language].send_signal(signal.SIGKILL)
        self._workers[language].wait(20)

    def end(self) -> dict[str, int]:
        """Tell all workers to end; their exit codes."""
        for worker in self._workers.values():
            worker.send_signal(signal.SIGTERM)
        return {language: worker.wait(20) for language, worker in self._workers.items()}

    def effects(self) -> set[tuple[str, str, str, int]]:
        """Each attempt that began: of which task, of which step, in which language."""
        lines = (line.split() for line in self._effects.read_text().splitlines())
        return {(task, step, language, int(attempt)) for task, step, language, attempt in lines}

    def abandon(self) -> None:
        for worker in self._workers.values():
            worker.kill()
            worker.wait(20)


@pytest.fixture(scope="module")
def built() -> None:
    install(PACKAGE)
    run(PACKAGE, "npm", "run", "build")


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def town(tmp_path: Path, database_url: str, built: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("TASKER_LEASE_SECONDS", "3")
    with ExitStack() as open_places:
        gateway = open_places.enter_context(Gateway(0, Ledger(tmp_path / "ledger.db")))
        threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        open_places.callback(gateway.shutdown)
        server = open_places.enter_context(served(database_url))
        town = Town(tmp_path, server, gateway)
        open_places.callback(town.abandon)
        with TaskerClient(url=server.url) as client:
            client.register_template(HERE / "checkout.yaml")
        yield town


def test_a_checkout_in_three_languages_charges_once_whichever_worker_is_killed(town: Town) -> None:
    with TaskerClient(url=town.server.url) as client:
        tasks = {
            trap: client.create_task(
                "checkout", namespace="languages", context={"items": ITEMS, "trap": trap}, idempotency_key=str(trap)
            ).task_uuid
            for trap in (None, *TRAPS)
        }
        for language in WORKERS:
            town.start(language)
        sprung = {(tasks[trap], trap, language, 1) for trap, language in TRAPS.items()}
        eventually(lambda: sprung <= town.effects(), timeout=60)
        for language in WORKERS:
            town.kill(language)
            town.start(language)
        done = {trap: client.wait(task, timeout=60) for trap, task in tasks.items()}
        results = {
            trap: {step.name: step.results or {} for step in client.list_task_steps(task)}
            for trap, task in tasks.items()
        }
    assert {task.status for task in done.values()} == {"complete"}
    attempts = town.effects()
    for trap, task in tasks.items():
        begun = {(step, language, attempt) for of, step, language, attempt in attempts if of == task}
        assert {(step, language) for step, language, _ in begun} == STEPS
        assert trap is None or (trap, TRAPS[trap], 2) in begun
        # A number that a double would round goes through all of them, each adding one.
        assert results[trap]["send_confirmation"]["result"]["serial"] == 9007199254740993 + 3
    assert [charge["amount_cents"] for charge in town.gateway.ledger.charges()] == [900] * len(tasks)
    assert town.end() == dict.fromkeys(WORKERS, 0)
