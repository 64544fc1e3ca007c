"""``tasker server``: answer HTTP requests until told to stop."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tasker_core.cli.observing import LogFormat, watched
from tasker_core.cli.output import Database, errors, people
from tasker_core.cli.waiting import WaitForDatabase, open_patiently
from tasker_core.engine.open import close_engine
from tasker_core.settings import load_settings

OPEN = "[yellow]warning:[/] without authentication, whoever can reach this server may do everything"


def server(
    host: Annotated[str | None, typer.Option(help="The address to listen at; else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="The port, 0 takes a free one; else 8080.")
    ] = None,
    request_timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds until a request is answered 408; else 30.")
    ] = None,
    shutdown_timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds that a stop waits for what runs; else 30.")
    ] = None,
    drain: Annotated[
        float | None, typer.Option(min=0, help="Seconds to be unready before a stop begins; else 0.")
    ] = None,
    wait_for_database: WaitForDatabase = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help="Listen beyond this machine without authentication.")
    ] = None,
    database_url: Database = None,
    log_format: LogFormat = None,
) -> None:
    """Serve the API over HTTP until SIGTERM or Ctrl-C; a second one ends at once.

    What no option says is taken from the environment and from tasker.toml.
    """
    # Not at the top: the other commands start without the web framework.
    from tasker_core import dashboard
    from tasker_core.server import create_app
    from tasker_core.server.auth.configured import access_of
    from tasker_core.server.serve import Server, listen, url_of

    options = {
        "host": host,
        "port": port,
        "request_timeout": request_timeout,
        "shutdown_timeout": shutdown_timeout,
        "drain": drain,
        "insecure": insecure,
    }
    loaded = load_settings({"server": options, "database": {"url": database_url, "wait_seconds": wait_for_database}})
    access = access_of(loaded)
    if access.any_address and access.authenticator is None:
        errors.print(OPEN, highlight=False, soft_wrap=True)
    listening = listen(loaded.server.host, loaded.server.port)
    with watched("tasker-server", log_format), listening:
        engine = open_patiently(loaded)
        assert engine is not None
        try:

            def started() -> None:
                people.print(f"server listens at {url_of(listening)}", highlight=False, soft_wrap=True)
                sys.stdout.flush()

            running = Server(create_app(engine, loaded, access, dashboard.PAGES), listening, started)
            running.serve_until_stopped()
        finally:
            close_engine(engine)
    if running.killed_by:
        raise typer.Exit(128 + running.killed_by)
