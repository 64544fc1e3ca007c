"""``tasker worker``: serve handlers until told to stop; and which workers do so."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_core.cli.asking import ask
from tasker_core.cli.completing import complete_worker
from tasker_core.cli.observing import LogFormat, watched
from tasker_core.cli.operator import By, Reason
from tasker_core.cli.output import AsJson, Database, people, print_json, table
from tasker_core.cli.waiting import WaitForDatabase, open_patiently
from tasker_core.engine.open import close_engine
from tasker_core.errors import InvalidRequestError, WorkerNotFoundError
from tasker_core.rules.spelling import did_you_mean
from tasker_core.settings import load_settings
from tasker_core.types import BootstrapConfig
from tasker_core.worker import Worker

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

STUCK = 70

Handlers = Annotated[
    list[str] | None, typer.Option("--handlers", "-H", help="A package of handlers; may be given several times.")
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", "-c", min=1, help="How many handlers run at once; else 10.")
]


app = typer.Typer(help="Serve handlers; list the workers that do.", invoke_without_command=True)


@app.callback()
def worker(
    context: typer.Context,
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
    url: Annotated[str | None, typer.Option(help="The server to ask for steps, instead of the store itself.")] = None,
    wait_for_database: WaitForDatabase = None,
    database_url: Database = None,
    log_format: LogFormat = None,
    metrics_port: Annotated[int | None, typer.Option(help="Answer /metrics at this port; 0 takes a free one.")] = None,
    metrics_host: Annotated[str | None, typer.Option(help="The address of that port; else 127.0.0.1.")] = None,
) -> None:
    """Run handlers until SIGTERM or Ctrl-C; a second one ends at once.

    What no option says is taken from the environment and from tasker.toml.
    """
    if context.invoked_subcommand is not None:
        return
    asked = threading.Event()

    def stop(signum: int, *_: object) -> None:
        if asked.is_set():
            sys.exit(128 + signum)
        asked.set()

    # Before the start: from then on the worker holds steps, which it has to finish or hand back.
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, stop)
    options = {"metrics_host": metrics_host, "metrics_port": metrics_port, "url": url}
    store = {"url": database_url, "wait_seconds": wait_for_database}
    settings = load_settings({"worker": options, "database": store})
    with watched("tasker-worker", log_format):
        opened = None if settings.worker.url else open_patiently(settings, asked)
        if opened is None and not settings.worker.url:
            return
        with figures(settings):
            running = Worker.start(
                handlers,
                BootstrapConfig(worker_id=name) if name else None,
                url=url,
                database_url=database_url,
                concurrency=concurrency,
                namespaces=namespace,
                template_path=templates,
                shutdown_timeout=shutdown_timeout,
            )
            if opened is not None:
                close_engine(opened)
            _tell_what_is_served(running)
            while not asked.wait(0.2):
                if not running.is_running:
                    raise typer.Exit(0 if running.service.is_told_to_end else STUCK)
            people.print("stopping: what runs may finish ...")
            running.stop()


@app.command("list")
def list_workers(database_url: Database = None, as_json: AsJson = False) -> None:
    """List the workers that are there: what they serve, what they hold, when they were last heard of."""
    with ask(database_url) as client:
        found = client.list_workers()
    if as_json:
        print_json(found)
        return
    shown = table("uuid", "worker", "state", "at", "holds", "serves", "beat")
    for each in found:
        shown.add_row(
            each["worker_uuid"], each["name"], each["state"], f"{each['host']}, {each['pid']}",
            f"{each['held']} of {each['slots']}",
            f"{len(each['handlers'])} handlers", f"{each['beat_age_seconds']:.1f} s ago",
        )  # fmt: skip
    people.print(shown)


@app.command("status", hidden=True)
@app.command("health", hidden=True)
def worker_status(
    _worker: Annotated[str | None, typer.Argument(help="Is heeded by nobody: all are told of.")] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """The same as list."""
    list_workers(database_url, as_json)


@app.command()
def drain(
    worker: Annotated[str, typer.Argument(help="The worker's name, or its UUID.", autocompletion=complete_worker)],
    reason: Reason = "",
    by: By = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Have a worker finish what it runs and take no more; it stays until its process is ended."""
    with ask(database_url) as client:
        there = client.list_workers()
        meant = [each for each in there if worker in (each["worker_uuid"], each["name"])]
        if len(meant) > 1:
            uuids = ", ".join(each["worker_uuid"] for each in meant)
            raise InvalidRequestError(f"which one is meant by {worker!r}? There are {uuids}", field="worker")
        if not meant:
            raise WorkerNotFoundError(
                f"no worker {worker!r} is there{did_you_mean(worker, [w['name'] for w in there])}"
            )
        found = client.drain_worker(meant[0]["worker_uuid"], reason, by=by)
    print_json(found) if as_json else people.print(f"{found['name']} is {found['state']}", highlight=False)


def _tell_what_is_served(running: Worker) -> None:
    serving, settings = running.service.serving, running.service.settings
    if settings.client.url and not settings.worker.url and "url" not in settings.database.model_fields_set:
        people.print(
            f"[yellow]TASKER_URL is for clients:[/] this worker is on {settings.database.store_url}. To have it ask "
            "the server, say --url or TASKER_WORKER_URL", highlight=False, soft_wrap=True,
        )  # fmt: skip
    for step, why in serving.missing.items():
        people.print(f"[yellow]not served:[/] {step}: {why}", highlight=False, soft_wrap=True)
    people.print(
        f"worker {running.worker_id} serves {len(serving.lanes)} handlers, "
        f"{running.service.settings.worker.concurrency} at a time",
        highlight=False,
    )
    sys.stdout.flush()


@contextmanager
def figures(settings: Settings) -> Iterator[None]:
    """Answer ``/metrics``, if a port was named for it."""
    host, port = settings.worker.metrics_host, settings.worker.metrics_port
    if port is None:
        yield
        return
    # Not at the top: it costs every start of the command, and few workers are scraped by themselves.
    from tasker_core.metrics import serve

    found, end = serve(host, port, settings.database.store_url)
    people.print(f"figures at http://{host}:{found}/metrics", highlight=False, soft_wrap=True)
    try:
        yield
    finally:
        end()
