"""A process that has imported everything and forks a child per case, so that hundreds of deaths take seconds.

Run as a module it reads one case per line (JSON) on standard input and answers with the child's exit status on standard
output. A child creates the task of the case where it doesn't exist, runs a worker until it is at rest, and, when
told to, dies right before or right after its n-th commit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.workshop.deaths import die_at
from tests.support.workshop.processes import CHECKOUT, environment
from tests.support.workshop.readiness import make_ready

FINISHED = 0
FAILED = 3


class Zygote:
    """The process, as the test sees it. ``run`` plays one case in a child and tells how the child ended."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=CHECKOUT,
            env=environment(),
        )

    def run(self, case: dict[str, Any]) -> int:
        """0 when the child finished the task, the negative number of the signal that killed it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the zygote ended"
        return int(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
        self._log.close()


def play(case: dict[str, Any]) -> None:
    """Create the task of the case where it isn't there yet, and run a worker until it is at rest."""
    from tasker_core import TaskerClient, Worker
    from tasker_core.store import open_database

    if case.get("commit"):
        die_at(case["commit"], case["moment"], case["kill"])
    url, template = case["url"], case["template"]
    if case.get("migrate"):
        database = open_database(url)
        database.migrate()
        database.close()
    with TaskerClient(database_url=url) as client:
        client.register_template(template)
        task = client.create_task(
            template["name"],
            namespace=template["namespace_name"],
            context=case["context"],
            idempotency_key=case.get("key", "the-one"),
            on_duplicate="return",
        )
        with Worker.start(["tests.support.workshop.handlers"], database_url=url, concurrency=4):
            client.wait(task.task_uuid, timeout=30)


def serve() -> None:
    """Fork a child for each line that comes in."""
    import tasker_core.store.postgres  # noqa: F401  # before the forks
    import tests.support.workshop.handlers  # noqa: F401

    make_ready()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = FAILED
            try:
                play(json.loads(line))
                code = FINISHED
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
