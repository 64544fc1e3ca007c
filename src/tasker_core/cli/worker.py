"""``tasker worker``: serve handlers until told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli.output import Database, people
from tasker_core.cli.waiting import WaitForDatabase, open_patiently
from tasker_core.engine.open import close_engine
from tasker_core.settings import load_settings
from tasker_core.types import BootstrapConfig
from tasker_core.worker import Worker

STUCK = 70

Handlers = Annotated[
    list[str] | None, typer.Option("--handlers", "-H", help="A package of handlers; may be given several times.")
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", "-c", min=1, help="How many handlers run at once; else 10.")
]


def worker(
    handlers: Handlers = None,
    concurrency: Concurrency = None,
    name: Annotated[str | None, typer.Option(help="The worker's name; else host and process.")] = None,
    namespace: Annotated[list[str] | None, typer.Option("--namespace", "-n", help="Serve only these.")] = None,
    templates: Annotated[
        Path | None, typer.Option(help="Templates to register; else what the settings say, config/tasks.")
    ] = None,
    shutdown_timeout: Annotated[
        float | None, typer.Option(help="Seconds that a stop waits for what runs; else 30.")
    ] = None,
    wait_for_database: WaitForDatabase = None,
    database_url: Database = None,
) -> None:
    """Run handlers until SIGTERM or Ctrl-C; a second one ends at once.

    What no option says is taken from the environment and from tasker.toml.
    """
    asked = threading.Event()

    def stop(signum: int, *_: object) -> None:
        if asked.is_set():
            sys.exit(128 + signum)
        asked.set()

    # Before the start: from then on the worker holds steps, which it has to finish or hand back.
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, stop)
    settings = load_settings({"database": {"url": database_url, "wait_seconds": wait_for_database}})
    opened = open_patiently(settings, asked)
    if opened is None:
        return
    running = Worker.start(
        handlers,
        BootstrapConfig(worker_id=name) if name else None,
        database_url=database_url,
        concurrency=concurrency,
        namespaces=namespace,
        template_path=templates,
        shutdown_timeout=shutdown_timeout,
    )
    close_engine(opened)
    serving = running.service.serving
    for step, why in serving.missing.items():
        people.print(f"[yellow]not served:[/] {step}: {why}", highlight=False, soft_wrap=True)
    people.print(
        f"worker {running.worker_id} serves {len(serving.lanes)} handlers, "
        f"{running.service.settings.worker.concurrency} at a time",
        highlight=False,
    )
    sys.stdout.flush()
    while not asked.wait(0.2):
        if not running.is_running:
            raise typer.Exit(STUCK)
    people.print("stopping: what runs may finish ...")
    running.stop()
