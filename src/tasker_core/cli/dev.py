"""``tasker dev``: everything in one place while you write your workflow."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli.output import Database, people
from tasker_core.cli.worker import Concurrency, Handlers
from tasker_core.settings import load_settings


def dev(
    handlers: Handlers = None,
    templates: Annotated[
        Path | None, typer.Option(help="Templates to register; else what the settings say, config/tasks.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen at; else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="The port, 0 takes a free one; else 8080.")
    ] = None,
    concurrency: Concurrency = None,
    database_url: Database = None,
) -> None:
    """Serve the API and run your handlers, and reload both handlers and templates when their files change.

    What is broken is told, and what ran before goes on; attempts that run are finished on the code they began with.
    """
    # Not at the top: the other commands start without what this one loads.
    from tasker_core.dev import Options, Supervisor
    from tasker_core.server.auth.configured import access_of
    from tasker_core.server.serve import listen, url_of

    options = Options(
        handlers=handlers,
        templates=None if templates is None else str(templates),
        concurrency=concurrency,
        host=host,
        port=port,
        database_url=database_url,
        log_level="DEBUG" if logging.getLogger().level == logging.DEBUG else None,  # as -v says
    )
    settings = load_settings(options.as_settings())
    for package in settings.worker.handlers:
        if importlib.util.find_spec(package.partition(".")[0]) is None:
            raise ModuleNotFoundError(f"there is no package {package!r} here; handlers are imported from {Path.cwd()}")

    def say(line: str) -> None:
        people.print(line, markup=False, highlight=False, soft_wrap=True)
        sys.stdout.flush()

    access_of(settings)  # it is made in the child; what is wrong with it is told before anything starts
    with listen(settings.server.host, settings.server.port) as listening:
        code = Supervisor(options, listening, url_of(listening), say).run()
    raise typer.Exit(code)
