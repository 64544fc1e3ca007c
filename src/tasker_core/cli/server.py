"""``tasker server``: answer HTTP requests until told to stop."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tasker_core.cli.output import Database, people
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.engine.open import database_url as choose_database


def server(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 takes a free one.")] = 8080,
    request_timeout: Annotated[float, typer.Option(min=1, help="Seconds until a request is answered 408.")] = 30.0,
    shutdown_timeout: Annotated[float, typer.Option(min=0, help="Seconds that a stop waits for what runs.")] = 30.0,
    drain: Annotated[float, typer.Option(min=0, help="Seconds to be unready before a stop begins.")] = 0.0,
    database_url: Database = None,
) -> None:
    """Serve the API over HTTP until SIGTERM or Ctrl-C; a second one ends at once."""
    # Not at the top: the other commands start without the web framework.
    from tasker_core.server import ServerSettings, create_app
    from tasker_core.server.serve import Server, listen, url_of

    settings = ServerSettings(
        request_timeout=request_timeout,
        shutdown_timeout=shutdown_timeout,
        drain=drain,
        environment=os.environ.get("TASKER_ENV", "development"),
    )
    listening = listen(host, port)
    with listening:
        engine = open_engine(choose_database(database_url))
        try:

            def started() -> None:
                people.print(f"server listens at {url_of(listening)}", highlight=False, soft_wrap=True)
                sys.stdout.flush()

            running = Server(create_app(engine, settings), listening, started)
            running.serve_until_stopped()
        finally:
            close_engine(engine)
    if running.killed_by:
        raise typer.Exit(128 + running.killed_by)
