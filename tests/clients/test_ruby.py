"""The Ruby gem: its own tests, its linter, what Ruby warns of, and the cases of the worker protocol."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protocol.case import cases
from tasker_core import TaskerClient
from tests.support.workshop import Background

ROOT = Path(__file__).parents[2]
GEM = ROOT / "clients" / "ruby"

pytestmark = pytest.mark.skipif(
    shutil.which("rake") is None,
    reason="THE RUBY GEM IS NOT TESTED: there is no Ruby (apt-get install rake ruby-minitest)",
)


TEMPLATE = {
    "name": "checkout",
    "namespace_name": "ruby_shop",
    "version": "1.0.0",
    "steps": [
        {"name": "price", "handler": {"callable": "ruby_price"}},
        {"name": "charge", "handler": {"callable": "ruby_charge"}, "dependencies": ["price"]},
    ],
}


BRANCHES = {
    "name": "branches",
    "namespace_name": "ruby_shop",
    "version": "1.0.0",
    "steps": [
        {"name": "route", "type": "decision", "handler": {"callable": "ruby_route"}},
        {
            "name": "cut",
            "type": "batchable",
            "handler": {"callable": "ruby_cut"},
            "dependencies": ["route"],
            "batch_config": {"worker_template": "count", "parallelism": 8},
        },
        {"name": "count", "type": "batch_worker", "handler": {"callable": "ruby_count"}, "dependencies": ["cut"]},
        {
            "name": "sum",
            "type": "deferred_convergence",
            "handler": {"callable": "ruby_sum"},
            "dependencies": ["count"],
        },
    ],
}


def rake(*targets: str) -> str:
    """What the targets print; they must pass."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    done = subprocess.run(["rake", *targets], cwd=GEM, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests() -> None:
    assert "0 failures, 0 errors, 0 skips" in rake("test")


def test_warnings_and_signatures() -> None:
    rake("warnings", "signatures")


@pytest.mark.skipif(shutil.which("rubocop") is None, reason="there is no RuboCop (apt-get install rubocop)")
def test_rubocop() -> None:
    assert "no offenses detected" in rake("rubocop")


def test_its_worker_passes_the_cases_of_the_protocol() -> None:
    driver = [sys.executable, "-m", "protocol", "--quiet", "worker", "--", str(GEM / "conformance" / "run")]
    played = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert played.returncode == 0, played.stdout + played.stderr
    assert int(played.stdout.split()[0]) == len(list(cases("worker")))


@contextmanager
def server(log: Path, store: str) -> Iterator[str]:
    """A server that is a process, with both templates; its URL."""
    with Background("server", "--port", "0", log=log, url=store) as running:
        running.await_line("server listens at")
        url = running.output().split("server listens at ")[1].split()[0]
        with TaskerClient(url=url) as client:
            client.register_template(TEMPLATE)
            client.register_template(BRANCHES)
        yield url


def test_what_its_readme_shows_and_branches(tmp_path: Path, sqlite_url: str) -> None:
    for name, code in re.findall(r"```ruby\n# file: (\S+)\n(.*?)```", (GEM / "README.md").read_text(), re.DOTALL):
        (tmp_path / name).write_text(code)
    with server(tmp_path / "server.log", sqlite_url) as url, TaskerClient(url=url) as client:
        environment = {**os.environ, "TASKER_URL": url}
        command: list[str | Path] = [
            GEM / "bin" / "tasker-worker",
            "handlers.rb",
            GEM / "test" / "support" / "branches.rb",
        ]
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as worker:
            try:
                order = ["ruby", "-w", "-I", str(GEM / "lib"), "order.rb"]
                done = subprocess.run(order, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
                tasks = [client.create_task("branches", namespace="ruby_shop", context={"items": n}) for n in (10, 0)]
                statuses = [client.wait(task.task_uuid, timeout=30).status for task in tasks]
                steps = {step.name: step.results for step in client.list_task_steps(tasks[0].task_uuid)}
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(20) == 0
            finally:
                worker.kill()
    assert done.stderr == ""
    assert re.fullmatch(r'complete\n{"charged"=>900, "key"=>"\S+:charge"}\n', done.stdout)
    assert statuses == ["complete", "complete"]
    assert steps["sum"] is not None and steps["sum"]["result"] == {"sum": 10, "pieces": 3}
