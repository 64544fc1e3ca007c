"""R: the checkout by workers that ask a server, in each language, beside one that has the store in its own process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from bench.creating import BULK, create_in_bulk, request
from bench.payload import CHECKOUT
from bench.processes import cpu_seconds
from bench.rows import Figures
from bench.stage import HERE, Stage
from tasker_core import TaskerClient

STEPS = len(CHECKOUT)
SLOTS = 50
"""Of the workers in other languages, which hold no more steps than they have slots; Python's has its usual 10."""
NAMESPACE, SHAPE = "conformance", "bench_remote"
ANSWER = 270
"""Bytes of a result, as in A1."""
CLIENTS = HERE / "clients"


def r(stage: Stage, tasks: int, workers: int) -> Figures:
    """Tasks a second of one worker at a time, each on tasks of its own, all in one database."""
    del workers
    figures: Figures = {}
    done = 0

    def run(worker: AbstractContextManager[Any]) -> float:
        nonlocal done
        done += tasks
        with worker:
            stage.wait_for(done)
        return stage.steps_a_second() / STEPS

    with stage.client() as client, stage.server() as (server, url):
        create_in_bulk(client, "bench_checkout", tasks)
        figures["in process tasks/s"] = run(stage.workers(1))
        create_in_bulk(client, "bench_checkout", tasks)
        before = cpu_seconds(server)
        figures["Python tasks/s"] = run(stage.remote_worker(url))
        figures["server CPU us/step"] = 1e6 * (cpu_seconds(server) - before) / (tasks * STEPS)
        # Not before: a worker says what it doesn't serve.
        client.register_template(_shape())
        for language, command in commands().items():
            _create(client, tasks)
            figures[f"{language} tasks/s"] = run(_worker(command, url))
    return figures


def commands() -> Mapping[str, Sequence[str]]:
    """How each language's worker of the conformance cases is started: those that this machine can run."""
    found = {
        "TypeScript": ("node", ("sh", str(CLIENTS / "typescript/conformance/run"))),
        "Ruby": ("ruby", ("ruby", str(CLIENTS / "ruby/conformance/run"))),
        "Rust": ("cargo", (str(_rust()),)),
    }
    return {language: command for language, (program, command) in found.items() if shutil.which(program)}


def _rust() -> Path:
    """The worker in Rust, compiled for speed, where that can be done."""
    target = HERE / ".build" / "rust"
    if shutil.which("cargo"):
        build = ["cargo", "build", "--quiet", "--release", "--example", "conformance"]
        subprocess.run(build, cwd=CLIENTS / "rust", env={**os.environ, "CARGO_TARGET_DIR": str(target)}, check=True)
    return target / "release" / "examples" / "conformance"


@contextmanager
def _worker(command: Sequence[str], url: str) -> Iterator[None]:
    told = {"TASKER_URL": url, "TASKER_CONFORMANCE_SLOTS": str(SLOTS), "TASKER_CONFORMANCE_EFFECTS": os.devnull}
    with subprocess.Popen(command, env={**os.environ, **told}, cwd=HERE) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def _shape() -> dict[str, Any]:
    steps = [
        {"name": name, "handler": {"callable": "conformance.big"}, "dependencies": CHECKOUT[max(no - 1, 0) : no]}
        for no, name in enumerate(CHECKOUT)
    ]
    return {"name": SHAPE, "namespace_name": NAMESPACE, "version": "1.0.0", "steps": steps}


def _create(client: TaskerClient, tasks: int) -> None:
    wishes = [request(SHAPE, no, NAMESPACE) for no in range(tasks)]
    for wish in wishes:
        wish["context"]["bytes"] = ANSWER
    for start in range(0, tasks, BULK):
        client.create_tasks(wishes[start : start + BULK])
